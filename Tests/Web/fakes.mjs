// A clock that only moves when told, and a socket whose other end is the test. Hand-written on purpose: the
// client's own modules take no part in judging the client.

import { Hub } from "../../clients/js/hub.js";

export const START = Date.parse("2026-11-20T20:00:00.000Z");

/** Time, timers, randomness and identifiers under the test's hand. */
export class FakeEnvironment {
  time = 0;
  randomValue = 0.5;
  reported = [];
  #timers = new Map();
  #last = 0;

  get overrides() {
    return {
      wall: () => START + this.time,
      monotonic: () => this.time,
      setTimer: (action, wait) => {
        this.#last += 1;
        this.#timers.set(this.#last, { at: this.time + wait, action });
        return this.#last;
      },
      clearTimer: (timer) => this.#timers.delete(timer),
      random: () => this.randomValue,
      uuid: () => `key-${(this.#last += 1)}`,
      report: (error) => this.reported.push(error),
    };
  }

  get waits() {
    return [...this.#timers.values()].map(({ at }) => at - this.time);
  }

  /** Moves time on, firing each timer at its moment, and lets promises settle between. */
  async advance(milliseconds) {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].action();
      await settle();
    }
    this.time = end;
    await settle();
  }
}

/** Lets everything that is already decided happen. */
export function settle() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A WebSocket class and the list of the sockets it made. */
export function fakeSockets() {
  const sockets = [];
  class FakeWebSocket {
    readyState = 0;
    sent = [];
    closedWith = null;
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
    }
    send(text) {
      if (this.readyState !== 1) throw new Error("not open");
      this.sent.push(JSON.parse(text));
    }
    close(code, reason) {
      this.readyState = 3;
      this.closedWith = { code, reason };
    }
    // the hub's side
    accept() {
      this.readyState = 1;
      this.onopen?.({});
    }
    say(message) {
      this.onmessage?.({ data: typeof message === "string" ? message : JSON.stringify(message) });
    }
    end(code, reason = "") {
      this.readyState = 3;
      this.onclose?.({ code, reason });
    }
    of(type) {
      return this.sent.filter((message) => message.type === type);
    }
    last(type) {
      return this.of(type).at(-1);
    }
  }
  return { sockets, FakeWebSocket };
}

export const CHANNEL = "kitchen:01900000-0000-7000-8000-000000000001";

/** A hub client with its test's hand on everything; `seen` collects what the callbacks were given. */
export function harness({ token = "token-1", since, epoch, checksum, subscribe = true, ...options } = {}) {
  const environment = new FakeEnvironment();
  const { sockets, FakeWebSocket } = fakeSockets();
  const hub = new Hub({
    url: "ws://hub.test/ws", token, WebSocket: FakeWebSocket, environment: environment.overrides, ...options,
  });
  const seen = { snapshots: [], events: [], gaps: [], states: [], statuses: [], errors: [] };
  hub.on("status", (status) => seen.statuses.push(status));
  hub.on("error", (error) => seen.errors.push(error));
  const subscription = subscribe ? hub.subscribe(CHANNEL, {
    since,
    epoch,
    checksum,
    onSnapshot: (snapshot, position) => seen.snapshots.push({ snapshot, ...position }),
    onEvent: (event) => seen.events.push(event.offset),
    onGap: (gap) => seen.gaps.push(gap),
    onState: (state, problem) => seen.states.push(problem ? `${state}:${problem.code}` : state),
  }) : null;
  const world = {
    hub, environment, sockets, seen, subscription,
    get socket() {
      return sockets.at(-1);
    },
    serverTime: (milliseconds = environment.time) => new Date(START + milliseconds).toISOString(),
    /** Opens the newest socket and says welcome. */
    async welcome({ epoch: epochNow = "e1", expires = null, heartbeat = 10, user = { id: "u" } } = {}) {
      await settle();
      world.socket.accept();
      world.socket.say({ type: "welcome", connection: "c", node: "n", epoch: epochNow, heartbeat, user, expires });
      await settle();
    },
    /** Answers the newest subscribe message. */
    async subscribed({ offset = 0, epoch: epochNow = "e1", recovered = false, snapshot = { tickets: [] } } = {}) {
      const { id } = world.socket.last("subscribe");
      const answer = { type: "subscribed", id, channel: CHANNEL, epoch: epochNow, offset, recovered };
      world.socket.say(recovered ? answer : { ...answer, snapshot });
      await settle();
    },
    event(...offsets) {
      for (const offset of offsets) {
        const event = { type: "event", channel: CHANNEL, offset, id: `i${offset}`, event: "ticket.created", data: {} };
        world.socket.say({ ...event, at: world.serverTime() });
      }
    },
    heartbeat({ lag = 0, heads = {}, sums, at = environment.time } = {}) {
      const times = { at: world.serverTime(at), fresh: world.serverTime(at - lag) };
      world.socket.say({ type: "heartbeat", ...times, heads, sums });
    },
    /** A connection that is signed in and subscribed at `offset`. */
    async live({ offset = 0, ...welcome } = {}) {
      hub.connect();
      await world.welcome(welcome);
      await world.subscribed({ offset });
      return world;
    },
  };
  return world;
}
