// One channel as this client has it: the last offset applied and its epoch. An event is applied if and only if
// it is the next one. A repeat or a swap is dropped; a gap is never bridged: the channel is subscribed again from
// the last good offset, and nothing is applied until the hub has answered.
//
// States: waiting (no connection) → joining (asked) → live; ended (left, or the hub withdrew the right).

import { Backoff } from "./backoff.js";
import { Checksum } from "./checksum.js";
import { Presence } from "./presence.js";
import { HubProblem } from "./problem.js";
import { Receipts } from "./receipts.js";

const GAPS_BEFORE_SNAPSHOT = 3;

export class Subscription {
  #channel;
  #handlers;
  #owner;
  #environment;
  #backoff;
  #receipts;
  #checksum; // null when the page computes none
  #presence = new Presence();
  #stations; // kitchen stations on this screen, null for all
  #saidStations = null; // those of the subscribe message that was sent last
  #state = "waiting";
  #epoch;
  #offset;
  #asked = null; // id of the subscribe message whose answer counts
  #answered = null; // id of the one that was answered last
  #askedAt = null;
  #timer = null;
  #fruitless = 0; // gaps in a row without an event applied between
  #asOf = null;
  #problem = null;
  #arrivals = []; // { offset, resolve }
  #counters = { applied: 0, gaps: 0, repeats: 0, snapshots: 0, resumed: 0, mismatches: 0 };

  /** `owner` is the hub's inner side: send, identifier, changed, clock. */
  constructor(channel, handlers, owner, environment) {
    this.#channel = channel;
    this.#handlers = handlers;
    this.#owner = owner;
    this.#environment = environment;
    this.#offset = handlers.since ?? null;
    this.#epoch = handlers.epoch ?? null;
    this.#stations = handlers.stations ?? null;
    this.#checksum = handlers.checksum ? new Checksum(handlers.checksum) : null;
    this.#backoff = new Backoff({ base: 250, cap: 10_000, random: environment.random });
    this.#receipts = new Receipts(environment, (receipt) => owner.send({ type: "seen", channel, ...receipt }));
  }

  get channel() {
    return this.#channel;
  }

  get state() {
    return this.#state;
  }

  /** Why the hub ended it, as a HubProblem; null otherwise. */
  get problem() {
    return this.#problem;
  }

  /** The last offset applied; null before the first answer. */
  get offset() {
    return this.#offset;
  }

  get epoch() {
    return this.#epoch;
  }

  /** Server time in milliseconds up to which this channel is known to be complete here, or null. */
  get asOf() {
    return this.#asOf;
  }

  /** Who listens, where `onPresence` was given: { members, count }, null while not known. */
  get presence() {
    return { members: this.#presence.members, count: this.#presence.count };
  }

  /** How many events were applied, gaps and repeats refused, snapshots taken, resumptions made, checksums that differed. */
  get counters() {
    return { ...this.#counters };
  }

  /** Tells the hub how far a person has come: `received`, `shown` or `accepted`; sent at most 4 times a second. */
  seen(offset, level) {
    this.#receipts.seen(offset, level);
  }

  /**
   * Says which kitchen stations this screen shows (ids, or null for all), so that the hub knows whether a station has a
   * screen and whose receipts these are. Another choice is a subscription anew, from where this one has come to.
   */
  showing(stations) {
    const wanted = stations === null ? null : [...stations];
    if (String(wanted) === String(this.#stations)) return;
    this.#stations = wanted;
    this.rejoin();
  }

  /** Resolves when `offset` has been applied here (or a snapshot that contains it); at once if it has. */
  arrived(offset) {
    if (this.#state === "ended" || (this.#offset ?? -1) >= offset) return Promise.resolve();
    return new Promise((resolve) => this.#arrivals.push({ offset, resolve }));
  }

  /** Leaves the channel for good. */
  unsubscribe() {
    if (this.#state === "ended") return;
    if (this.#state !== "waiting") {
      this.#owner.send({ type: "unsubscribe", id: this.#owner.identifier(), channel: this.#channel });
    }
    this.#end(null);
  }

  // ——— driven by the hub ———

  connected() {
    if (this.#state !== "ended") this.#join();
  }

  disconnected() {
    if (this.#state === "ended") return;
    this.#cancelTimer();
    this.#receipts.closed();
    this.#presence.forget();
    this.#asked = null;
    this.#become("waiting");
  }

  /** Asks again from the last good offset, on the same connection. */
  rejoin() {
    if (this.#state !== "live") return;
    this.#receipts.closed();
    this.#owner.send({ type: "unsubscribe", id: this.#owner.identifier(), channel: this.#channel });
    if (this.#fruitless === 0) this.#join();
    else this.#joinLater();
  }

  subscribed(message) {
    if (this.#state === "ended" || !this.#concerns(message)) return;
    this.#answered = message.id ?? null;
    this.#asked = null;
    if (message.recovered === true && (message.offset !== this.#offset || message.epoch !== this.#epoch)) {
      // Not the place we asked for: what would follow is not what follows here. Only a snapshot mends that.
      this.#counters.gaps += 1;
      this.#forget();
      this.#owner.send({ type: "unsubscribe", id: this.#owner.identifier(), channel: this.#channel });
      this.#joinLater();
      return;
    }
    if (message.recovered === true) {
      this.#counters.resumed += 1;
    } else {
      if (this.#epoch !== null && message.epoch !== this.#epoch) this.#receipts.reset();
      this.#counters.snapshots += 1;
      this.#offset = message.offset;
      this.#epoch = message.epoch;
      this.#asOf = this.#askedAt === null ? this.#asOf : (this.#owner.serverTime(this.#askedAt) ?? this.#asOf);
    }
    this.#become("live");
    if (message.recovered !== true) {
      this.#checksum?.reset();
      this.#call("onSnapshot", message.snapshot ?? null, { offset: message.offset, epoch: message.epoch });
      this.#checksum?.reached(message.offset);
      this.#settleArrivals();
    }
    this.#receipts.opened();
    // Another choice was made while the hub answered.
    if (String(this.#saidStations) !== String(this.#stations)) this.rejoin();
  }

  event(message) {
    if (this.#state !== "live") return; // an echo of the subscription that was given up
    const { offset } = message;
    if (!Number.isSafeInteger(offset) || offset > this.#offset + 1) {
      this.#counters.gaps += 1;
      this.#call("onGap", { expected: this.#offset + 1, received: offset });
      if (this.#fruitless >= GAPS_BEFORE_SNAPSHOT) this.#forget();
      this.rejoin();
      this.#fruitless += 1;
      return;
    }
    if (offset <= this.#offset) {
      this.#counters.repeats += 1;
      return;
    }
    this.#offset = offset;
    this.#counters.applied += 1;
    this.#fruitless = 0;
    this.#backoff.reset();
    this.complete(Date.parse(message.at));
    this.#call("onEvent", message);
    this.#settleArrivals();
    if (this.#checksum?.reached(offset) === false) this.#startOver();
  }

  /** A heartbeat's word about this channel's checksum, if it had one. */
  check(word) {
    if (this.#state === "live" && this.#checksum?.told(word, this.#offset) === false) this.#startOver();
  }

  /** Who listens has changed; it has no place among the events. */
  present(message) {
    if (this.#state === "live") this.#call("onPresence", this.#presence.take(message));
  }

  /** The channel is known to be complete here up to a server time. */
  complete(serverTime) {
    if (Number.isFinite(serverTime) && serverTime > (this.#asOf ?? -Infinity)) this.#asOf = serverTime;
  }

  unsubscribed(message) {
    if (message.id !== undefined && message.id !== null) return; // the answer to our own wish
    this.#end(new HubProblem(403, { code: message.reason ?? "unsubscribed", detail: message.detail }));
  }

  /** An `error` that names a message of ours; returns whether it was the subscribe message. */
  refused(message) {
    if (this.#asked === null || message.id !== this.#asked) return false;
    this.#asked = null;
    const problem = new HubProblem(message.status, message);
    if (problem.temporary || problem.status === 401) this.#joinLater();
    else this.#end(problem);
    return true;
  }

  // ——— inside ———

  // An answer to what we asked, or the hub's own fresh start for a reader that lagged too long (wire.md §3).
  #concerns(message) {
    if (this.#asked !== null) return message.id === this.#asked;
    const unasked = message.id === undefined || message.id === null || message.id === this.#answered;
    return this.#state === "live" && unasked && message.recovered !== true && message.snapshot !== undefined;
  }

  #join() {
    this.#cancelTimer();
    this.#asked = this.#owner.identifier();
    this.#askedAt = this.#environment.monotonic();
    const message = { type: "subscribe", id: this.#asked, channel: this.#channel };
    if (this.#offset !== null && this.#epoch !== null) {
      message.since = this.#offset;
      message.epoch = this.#epoch;
    }
    if (this.#handlers.snapshot === false) message.snapshot = false;
    if (this.#handlers.onPresence) message.presence = true;
    if (this.#stations !== null) message.stations = this.#stations;
    this.#saidStations = this.#stations;
    this.#become("joining");
    this.#owner.send(message);
  }

  #joinLater() {
    this.#asked = null;
    this.#become("joining");
    this.#cancelTimer();
    this.#timer = this.#environment.setTimer(() => this.#join(), this.#backoff.next());
  }

  // What the page shows is not what the hub has: events cannot mend that, a snapshot does.
  #startOver() {
    this.#counters.mismatches += 1;
    this.#call("onMismatch", { offset: this.#offset });
    this.#forget();
    this.rejoin();
  }

  #forget() {
    this.#offset = null;
    this.#epoch = null;
    this.#receipts.reset();
  }

  #end(problem) {
    this.#problem = problem;
    this.#cancelTimer();
    this.#receipts.closed();
    this.#become("ended", problem);
    for (const { resolve } of this.#arrivals.splice(0)) resolve();
  }

  #become(state, problem = null) {
    if (state === this.#state) return;
    this.#state = state;
    this.#call("onState", state, problem);
    this.#owner.changed(this);
  }

  #settleArrivals() {
    const due = this.#arrivals.filter(({ offset }) => offset <= this.#offset);
    if (due.length === 0) return;
    this.#arrivals = this.#arrivals.filter(({ offset }) => offset > this.#offset);
    for (const { resolve } of due) resolve();
  }

  #cancelTimer() {
    if (this.#timer !== null) this.#environment.clearTimer(this.#timer);
    this.#timer = null;
  }

  // A page's mistake must not stop the log: it is reported, and the channel goes on.
  #call(name, ...values) {
    try {
      this.#handlers[name]?.(...values);
    } catch (error) {
      this.#environment.report(error);
    }
  }
}
