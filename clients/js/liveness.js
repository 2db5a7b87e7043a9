// May this screen call itself live? The rules of wire.md's heartbeat, as values: time is an argument.
//   silent     no heartbeat for two periods (measured by the local monotonic clock)
//   not_fresh  `fresh` is older than two periods, against the heartbeat's own clock carried on by monotonic time
//   behind     a channel's own offset stays behind an announced head for a whole period
// The wall clock of the tablet takes no part: it is often wrong, and it jumps.

export class Liveness {
  #period = 10_000;
  #beat; // monotonic time of the last proof of life
  #heartbeat = null; // { at, fresh, received } in milliseconds
  #clock = null; // server time minus monotonic time
  #behind = new Map(); // channel → { head, since }

  constructor(monotonic) {
    this.#beat = monotonic;
  }

  /** Milliseconds between heartbeats. */
  get period() {
    return this.#period;
  }

  /** A new connection: its clock and its heads replace those of the old one. */
  connected(periodSeconds) {
    if (Number.isFinite(periodSeconds) && periodSeconds > 0) this.#period = periodSeconds * 1000;
    this.#heartbeat = null;
    this.#clock = null;
    this.#behind.clear();
  }

  /** Every channel is subscribed: what the screen shows is the hub's word again. */
  joined(monotonic) {
    this.#beat = monotonic;
  }

  /** `offsets` maps each subscribed channel to the offset applied here. Returns how late the message is. */
  heartbeat(message, offsets, monotonic) {
    const at = Date.parse(message.at);
    const fresh = Date.parse(message.fresh);
    this.#beat = monotonic;
    this.#heartbeat = { at, fresh, received: monotonic };
    this.observe(at, monotonic);
    for (const [channel, head] of Object.entries(message.heads ?? {})) {
      if (!offsets.has(channel) || offsets.get(channel) >= head) continue;
      const known = this.#behind.get(channel);
      this.#behind.set(channel, { head, since: known?.since ?? monotonic });
    }
    return this.serverNow(monotonic) - at;
  }

  /** A server time that was true at or before `monotonic`: delay only lowers it, so the greatest is nearest. */
  observe(serverTime, monotonic) {
    if (!Number.isFinite(serverTime)) return;
    const offset = serverTime - monotonic;
    if (this.#clock === null || offset > this.#clock) this.#clock = offset;
  }

  /** The hub's clock in milliseconds since 1970, or null before it is known. */
  serverNow(monotonic) {
    return this.#clock === null ? null : monotonic + this.#clock;
  }

  /** Channel `channel` has come to `offset`; returns true when it is not (any longer) behind a head. */
  applied(channel, offset) {
    const behind = this.#behind.get(channel);
    if (behind && offset >= behind.head) this.#behind.delete(channel);
    return !this.#behind.has(channel);
  }

  /** The channel is not followed any longer. */
  forget(channel) {
    this.#behind.delete(channel);
  }

  /** Channels that have been behind a head for a whole period. */
  laggards(monotonic) {
    const found = [];
    for (const [channel, { since }] of this.#behind) if (monotonic - since > this.#period) found.push(channel);
    return found;
  }

  /** True when two periods passed without a heartbeat. */
  isSilent(monotonic) {
    return monotonic - this.#beat > 2 * this.#period;
  }

  /** The rule that makes the screen stale now, or null. */
  staleReason(monotonic) {
    if (this.isSilent(monotonic)) return "silent";
    if (this.#heartbeat) {
      const { at, fresh, received } = this.#heartbeat;
      // A heartbeat without readable times proves nothing: `!(x <= y)` is true of NaN.
      if (!(at + (monotonic - received) - fresh <= 2 * this.#period)) return "not_fresh";
    }
    return this.laggards(monotonic).length > 0 ? "behind" : null;
  }

  /** The monotonic times, in the future, at which `staleReason` may change by itself. */
  nextChange(monotonic) {
    const times = [this.#beat + 2 * this.#period];
    if (this.#heartbeat) {
      const { at, fresh, received } = this.#heartbeat;
      times.push(received + 2 * this.#period - (at - fresh));
    }
    for (const { since } of this.#behind.values()) times.push(since + this.#period);
    const future = times.filter((time) => time >= monotonic);
    return future.length > 0 ? Math.min(...future) : null;
  }
}
