// The client of the hub's WebSocket (docs: wire.md §2). One `Hub` is one signed-in connection that comes back by
// itself: it subscribes to channels and resumes them, carries commands, and says whether what it shows is live.
// It keeps no copy of the data: the program folds snapshots and events into its own state.
//
// States: idle → connecting → signing_in → ready → waiting (back-off) → connecting …; closed is final.

import { Backoff } from "./backoff.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { Credentials } from "./credentials.js";
import { Emitter } from "./emitter.js";
import { systemEnvironment } from "./environment.js";
import { Liveness } from "./liveness.js";
import { HubError, HubProblem } from "./problem.js";
import { Subscription } from "./subscription.js";
import { Timers } from "./timers.js";

export { HubError, HubProblem } from "./problem.js";

const HANDSHAKE_LIMIT = 10_000;
const PROBE_LIMIT = 4_000;
const REFUSALS_ALLOWED = 2;
const FINAL_CODES = new Map([[4400, "bad_messages"], [4403, "forbidden"], [4404, "not_found"]]);

export class Hub {
  #url;
  #WebSocket;
  #environment;
  #credentials;
  #backoff;
  #liveness;
  #commands;
  #events;
  #subscriptions = new Map();
  #pings = new Map();
  #connection = null;
  #state = "idle";
  #reason = null;
  #generation = 0;
  #lastIdentifier = 0;
  #timers; // name → timer: retry, handshake, watch, renewal, goaway, probe
  #signInByMessage = false;
  #authentication = null; // { id, resolve, reject } of an `auth` under way
  #refusals = 0;
  #reconnectAt = null;
  #user = null;
  #expires = null;
  #lastStatus = null;
  #counters = { connections: 0, stale: 0 };

  /** See hub.d.ts for the options. */
  constructor({ url, token = null, WebSocket: WebSocketClass = globalThis.WebSocket, environment, backoff } = {}) {
    this.#url = url;
    this.#WebSocket = WebSocketClass;
    this.#environment = systemEnvironment(environment);
    this.#timers = new Timers(this.#environment);
    this.#events = new Emitter(this.#environment.report);
    this.#credentials = new Credentials(token);
    this.#backoff = new Backoff({ ...backoff, random: this.#environment.random });
    this.#liveness = new Liveness(this.#now());
    this.#commands = new Commands(this.#environment, {
      send: (message) => this.#send(message),
      identifier: () => this.#identifier(),
      renew: () => this.#renew(),
    });
  }

  get state() {
    return this.#state;
  }

  /** Who the hub says we are, once signed in: { id, role }. */
  get user() {
    return this.#user;
  }

  /** Commands without an answer yet: what would be lost if the page were closed now. */
  get unanswered() {
    return this.#commands.waiting;
  }

  get counters() {
    return { ...this.#counters };
  }

  /** Starts, or starts again after `close`. */
  connect() {
    if (this.#state !== "idle" && this.#state !== "closed") return this;
    this.#reason = null;
    this.#refusals = 0;
    this.#liveness = new Liveness(this.#now());
    this.#attempt();
    return this;
  }

  /** Ends it for good; unanswered commands are rejected with `closed`. */
  close() {
    this.#finish("closed", null);
  }

  /** Connects at once if it was waiting to: for a page that learns that the network is back. */
  retryNow() {
    if (this.#state === "waiting" && this.#reconnectAt === null) this.#attempt();
  }

  /** Follows a channel; handlers and options in hub.d.ts. */
  subscribe(channel, handlers = {}) {
    if (this.#subscriptions.has(channel)) throw new HubError("misuse", `already subscribed to ${channel}`);
    const subscription = new Subscription(channel, handlers, {
      send: (message) => this.#send(message),
      identifier: () => this.#identifier(),
      changed: (changed) => this.#subscriptionChanged(changed),
      serverTime: (monotonic) => this.#liveness.serverNow(monotonic),
    }, this.#environment);
    this.#subscriptions.set(channel, subscription);
    if (this.#state === "ready") subscription.connected();
    return subscription;
  }

  /** Runs a REST command over the socket: {status, body, offsets}, or a HubProblem or HubError. */
  command(method, path, body, options) {
    if (this.#state === "closed") return Promise.reject(new HubError("closed", "The connection is closed"));
    return this.#commands.run(method, path, body, options);
  }

  /** Resolves when every subscribed channel of `offsets` has come that far here. */
  async arrived(offsets) {
    const waits = Object.entries(offsets ?? {}).map(([channel, offset]) =>
      this.#subscriptions.get(channel)?.arrived(offset));
    await Promise.all(waits);
  }

  /** Asks the hub for its time; resolves with {at, roundTrip}, rejects when the connection ends first. */
  ping() {
    return new Promise((resolve, reject) => {
      const id = this.#identifier();
      if (!this.#send({ type: "ping", id })) reject(new HubError("closed", "There is no connection"));
      else this.#pings.set(id, { resolve, reject, sent: this.#now() });
    });
  }

  /** For a page that wakes up: is the connection still there? If the hub does not answer soon, a new one is made. */
  check() {
    this.retryNow();
    this.#evaluate();
    if (this.#state !== "ready" || this.#timers.has("probe")) return;
    this.#timers.after("probe", PROBE_LIMIT, () => this.#connection?.abandon(4408, "no answer"));
    this.ping().then(() => this.#timers.cancel("probe"), () => this.#timers.cancel("probe"));
  }

  /** The hub's clock in milliseconds since 1970, or null before it is known. */
  serverNow() {
    return this.#liveness.serverNow(this.#now());
  }

  /** { live, stale, reason, asOf, waiting }: may what is shown be believed, and why not. */
  status() {
    const joined = [...this.#subscriptions.values()].filter(({ state }) => state !== "ended");
    const ended = joined.length < this.#subscriptions.size;
    const isJoined = joined.every(({ state }) => state === "live");
    let reason = this.#liveness.staleReason(this.#now());
    let stale = reason !== null;
    if (this.#state === "closed") [stale, reason] = [true, this.#reason];
    else if (ended) [stale, reason] = [true, "unsubscribed"];
    else if (reason === null && this.#state !== "ready") {
      reason = this.#counters.connections > 0 ? "reconnecting" : "connecting";
    } else if (reason === null && !isJoined) reason = "joining";
    const times = joined.map(({ asOf }) => asOf);
    const asOf = times.length === 0 || times.includes(null) ? null : new Date(Math.min(...times));
    return { live: reason === null, stale, reason, asOf, waiting: this.#commands.waiting };
  }

  /** Listens to `status`, `state`, `goaway`, `error`; returns the function that stops it. */
  on(name, listener) {
    return this.#events.on(name, listener);
  }

  // ——— connecting ———

  async #attempt() {
    const generation = ++this.#generation;
    this.#timers.cancelAll();
    this.#reconnectAt = null;
    this.#become("connecting");
    this.#watch();
    let token;
    try {
      token = await this.#credentials.token();
    } catch (error) {
      if (generation === this.#generation) this.#tokenFailed(error);
      return;
    }
    if (generation !== this.#generation) return;
    const protocols = ["hub.v1"];
    if (token && !this.#signInByMessage) protocols.push(`bearer.${token}`);
    try {
      this.#connection = new Connection(this.#WebSocket, this.#url, protocols, {
        opened: () => this.#become("signing_in"),
        message: (message) => this.#received(message),
        closed: (close) => this.#closed(close),
      });
    } catch (error) {
      this.#finish("misuse", error); // an address or a token that no browser takes
      return;
    }
    this.#timers.after("handshake", HANDSHAKE_LIMIT, () => this.#connection?.abandon(4408, "no welcome"));
  }

  #closed({ code, opened }) {
    this.#connection = null;
    this.#timers.cancelAll({ except: "goaway" });
    for (const subscription of this.#subscriptions.values()) subscription.disconnected();
    this.#commands.closed();
    for (const { reject } of this.#pings.values()) reject(new HubError("closed", "The connection ended"));
    this.#pings.clear();
    this.#authentication?.reject(new HubError("closed", "The connection ended"));
    this.#authentication = null;
    if (FINAL_CODES.has(code)) {
      this.#finish(FINAL_CODES.get(code), null);
    } else if (code === 4401) {
      this.#refused();
    } else {
      // A browser does not show the HTTP status of a failed handshake. Signing in by message on the next
      // connection brings a refusal out as a close code; it also passes proxies that eat subprotocols.
      if (!opened) this.#signInByMessage = !this.#signInByMessage;
      this.#retry();
    }
  }

  #retry() {
    if (this.#state === "closed") return;
    const planned = this.#reconnectAt === null ? null : Math.max(0, this.#reconnectAt - this.#now());
    this.#timers.cancel("goaway");
    this.#become("waiting");
    this.#timers.after("retry", planned ?? this.#backoff.next(), () => this.#attempt());
    this.#watch();
  }

  async #refused() {
    this.#refusals += 1;
    if (!this.#credentials.isRenewable || this.#refusals > REFUSALS_ALLOWED) {
      this.#finish("signed_out", null);
      return;
    }
    const generation = ++this.#generation;
    this.#become("waiting");
    const refused = this.#credentials.current;
    try {
      const token = await this.#credentials.token({ renew: true });
      if (generation !== this.#generation) return;
      if (token && token !== refused) this.#retry();
      else this.#finish("signed_out", null);
    } catch (error) {
      if (generation === this.#generation) this.#tokenFailed(error);
    }
  }

  #tokenFailed(error) {
    if (Credentials.isFinal(error)) this.#finish("signed_out", error);
    else this.#retry();
  }

  #finish(reason, error) {
    if (this.#state === "closed") return;
    this.#generation += 1;
    this.#reason = reason;
    this.#become("closed");
    this.#timers.cancelAll();
    const connection = this.#connection;
    this.#connection = null;
    connection?.abandon(1000, "done");
    const problem = error ?? new HubError("closed", `The connection is closed: ${reason}`);
    const isHubError = problem instanceof HubError;
    this.#commands.end(isHubError ? problem : new HubError("closed", problem.message, { cause: problem }));
    for (const subscription of this.#subscriptions.values()) subscription.disconnected();
    if (reason !== "closed") this.#events.emit("error", problem);
    this.#evaluate();
  }

  // ——— receiving ———

  #received(message) {
    const subscription = message.channel === undefined ? null : this.#subscriptions.get(message.channel);
    switch (message.type) {
      case "welcome": return this.#welcomed(message);
      case "event": return this.#event(subscription, message);
      case "subscribed": return subscription?.subscribed(message);
      case "unsubscribed": return subscription?.unsubscribed(message);
      case "heartbeat": return this.#heartbeat(message);
      case "presence": return subscription?.present(message);
      case "reply": return void this.#commands.answered(message);
      case "pong": return this.#pong(message);
      case "error": return this.#error(message);
      case "goaway": return this.#goaway(message);
      default: return undefined; // a newer hub may say more
    }
  }

  #event(subscription, message) {
    if (!subscription) return;
    subscription.event(message);
    if (this.#liveness.applied(message.channel, subscription.offset ?? 0)) this.#evaluate();
  }

  #welcomed(message) {
    if (message.user === null || message.user === undefined) {
      if (!this.#authentication) this.#authenticate(this.#credentials.current).catch(() => {});
      return;
    }
    const again = this.#state === "ready";
    this.#user = message.user;
    this.#expires = message.expires ? Date.parse(message.expires) : null;
    const authentication = this.#authentication;
    if (authentication && message.id === authentication.id) {
      this.#authentication = null;
      authentication.resolve();
    }
    if (!again) this.#ready(message);
    this.#planRenewal();
  }

  #ready(message) {
    this.#timers.cancel("handshake");
    this.#counters.connections += 1;
    this.#refusals = 0;
    this.#liveness.connected(message.heartbeat);
    this.#timers.after("silence", 2 * this.#liveness.period + 1, () => this.#connection?.abandon(4408, "no heartbeat"));
    this.#become("ready");
    this.ping().then(() => this.#planRenewal(), () => {});
    for (const subscription of this.#subscriptions.values()) subscription.connected();
    this.#noteJoined();
    this.#commands.opened();
    this.#evaluate();
  }

  #heartbeat(message) {
    if (this.#state !== "ready") return;
    this.#backoff.reset();
    this.#timers.after("silence", 2 * this.#liveness.period + 1, () => this.#connection?.abandon(4408, "no heartbeat"));
    const live = [...this.#subscriptions.values()].filter(({ state }) => state === "live");
    const offsets = new Map(live.map(({ channel, offset }) => [channel, offset]));
    const lateness = this.#liveness.heartbeat(message, offsets, this.#now());
    for (const subscription of live) {
      if (this.#liveness.applied(subscription.channel, subscription.offset)) {
        subscription.complete(Date.parse(message.fresh));
      }
      subscription.check(message.sums?.[subscription.channel]);
    }
    this.#mendLaggards();
    if (lateness > 2 * this.#liveness.period) {
      // It says «fresh», but it lay in a queue for two periods: a connection that lags so far is replaced.
      this.#connection?.abandon(4408, "late heartbeat");
      return;
    }
    this.#evaluate({ always: true });
  }

  #pong(message) {
    const ping = this.#pings.get(message.id);
    if (!ping) return;
    this.#pings.delete(message.id);
    const at = Date.parse(message.at);
    this.#liveness.observe(at, this.#now());
    ping.resolve({ at: new Date(at), roundTrip: this.#now() - ping.sent });
  }

  #error(message) {
    if (this.#authentication && message.id === this.#authentication.id) {
      this.#authentication.reject(new HubProblem(message.status, message));
      this.#authentication = null;
      if (message.status === 401 || message.status === 403) this.#connection?.abandon(4401, "sign-in refused");
      else if (this.#state !== "ready") this.#connection?.abandon(4408, "sign-in failed");
      return;
    }
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.refused(message)) continue;
      if (message.status === 401) this.#renew().catch(() => {});
      return;
    }
    if (this.#commands.answered({ id: message.id, status: message.status ?? 400, body: message })) return;
    this.#events.emit("error", new HubProblem(message.status ?? 400, message));
  }

  #goaway(message) {
    const seconds = Number.isFinite(message.reconnect) && message.reconnect >= 0 ? message.reconnect : 1;
    this.#reconnectAt = this.#now() + seconds * 1000;
    this.#timers.after("goaway", seconds * 1000, () => this.#connection?.abandon(1000, "going away"));
    this.#events.emit("goaway", message);
  }

  // ——— signing in and staying signed in ———

  #authenticate(token) {
    if (!token) {
      this.#finish("signed_out", null);
      return Promise.reject(new HubError("closed", "There is no token"));
    }
    return new Promise((resolve, reject) => {
      this.#authentication = { id: this.#identifier(), resolve, reject };
      this.#send({ type: "auth", id: this.#authentication.id, token });
    });
  }

  #planRenewal() {
    if (!this.#credentials.isRenewable || this.#expires === null || this.#state !== "ready") return;
    const remaining = this.#expires - (this.serverNow() ?? this.#environment.wall());
    this.#timers.after("renewal", Credentials.renewalDelay(remaining), () => this.#renewInTime());
  }

  async #renewInTime() {
    try {
      await this.#renew();
    } catch (error) {
      // Final: the hub itself will say so with 4401 at expiry. Else the token is good a little longer: try again.
      if (this.#state !== "ready" || Credentials.isFinal(error)) return;
      this.#timers.after("renewal", 1000 + this.#backoff.next(), () => this.#renewInTime());
    }
  }

  async #renew() {
    if (!this.#credentials.isRenewable) throw new HubError("misuse", "A fixed token cannot be renewed");
    const generation = this.#generation;
    const token = await this.#credentials.token({ renew: true });
    if (generation !== this.#generation || this.#state !== "ready" || this.#authentication) return;
    await this.#authenticate(token);
  }

  // ——— status and timers ———

  #subscriptionChanged(subscription) {
    if (subscription.state === "ended") {
      if (this.#subscriptions.get(subscription.channel) === subscription && this.#hasLeft(subscription)) {
        this.#subscriptions.delete(subscription.channel);
      }
      this.#liveness.forget(subscription.channel);
    } else if (subscription.state === "live") {
      this.#liveness.applied(subscription.channel, subscription.offset);
      this.#noteJoined();
    }
    this.#evaluate();
  }

  #noteJoined() {
    const isJoined = [...this.#subscriptions.values()].every(({ state }) => state === "live" || state === "ended");
    if (isJoined && this.#state === "ready") this.#liveness.joined(this.#now());
  }

  // Left by our own wish: forgotten. Taken away by the hub: kept, so that the screen calls itself stale.
  #hasLeft(subscription) {
    return subscription.problem === null;
  }

  #mendLaggards() {
    for (const channel of this.#liveness.laggards(this.#now())) this.#subscriptions.get(channel)?.rejoin();
  }

  #evaluate({ always = false } = {}) {
    const status = this.status();
    const last = this.#lastStatus;
    this.#lastStatus = status;
    this.#watch();
    const isSame = last && last.live === status.live && last.stale === status.stale && last.reason === status.reason;
    if (isSame && !always) return;
    if (status.stale && !last?.stale) this.#counters.stale += 1;
    this.#events.emit("status", status);
  }

  // One timer, set to the moment at which the status can next change by itself.
  #watch() {
    const next = this.#state === "closed" || this.#state === "idle" ? null : this.#liveness.nextChange(this.#now());
    if (next === null) this.#timers.cancel("watch");
    else {
      this.#timers.after("watch", next - this.#now() + 1, () => {
        this.#mendLaggards();
        this.#evaluate();
      });
    }
  }

  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.emit("state", state);
    this.#evaluate();
  }

  #send(message) {
    return this.#connection?.send(message) ?? false;
  }

  #identifier() {
    this.#lastIdentifier += 1;
    return this.#lastIdentifier;
  }

  #now() {
    return this.#environment.monotonic();
  }
}
