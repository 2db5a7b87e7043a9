// `seen` receipts of one channel: cumulative, at most four a second whatever the page does. Only the newest
// offset of each level is kept, and a level that a higher one already covers is not sent.

const LEVELS = ["accepted", "shown", "received"]; // highest first
const SPACING = 260; // milliseconds; a little over a quarter second, so that network jitter cannot make five

export class Receipts {
  #environment;
  #send;
  #timer = null;
  #lastSent = -Infinity;
  #open = false;
  #wanted = new Map(); // level → newest offset asked for
  #sent = new Map(); // level → newest offset told on this connection

  /** `send({offset, level})` writes one receipt. */
  constructor(environment, send) {
    this.#environment = environment;
    this.#send = send;
  }

  /** Asks to tell the hub that everything up to `offset` has reached `level`. */
  seen(offset, level) {
    if (!LEVELS.includes(level)) throw new RangeError(`unknown receipt level: ${level}`);
    if (!Number.isSafeInteger(offset) || offset < 1) return;
    if (offset <= (this.#wanted.get(level) ?? 0)) return;
    this.#wanted.set(level, offset);
    this.#arm();
  }

  /** The channel is live on a connection: what was told on the last one is told again, once. */
  opened() {
    this.#open = true;
    this.#sent.clear();
    this.#arm();
  }

  closed() {
    this.#open = false;
    this.#cancel();
  }

  /** Another epoch: offsets of the old one mean nothing. */
  reset() {
    this.#wanted.clear();
    this.#sent.clear();
    this.#cancel();
  }

  #next() {
    let covered = 0;
    for (const level of LEVELS) {
      const offset = this.#wanted.get(level) ?? 0;
      if (offset > covered && offset > (this.#sent.get(level) ?? 0)) return { offset, level };
      covered = Math.max(covered, offset);
    }
    return null;
  }

  #arm() {
    if (!this.#open || this.#timer !== null || !this.#next()) return;
    const wait = this.#lastSent + SPACING - this.#environment.monotonic();
    if (wait <= 0) this.#flush();
    else this.#timer = this.#environment.setTimer(() => this.#fire(), wait);
  }

  #fire() {
    this.#timer = null;
    this.#arm();
  }

  #flush() {
    const receipt = this.#next();
    if (!receipt) return;
    this.#lastSent = this.#environment.monotonic();
    this.#sent.set(receipt.level, receipt.offset);
    this.#send(receipt);
    this.#arm();
  }

  #cancel() {
    if (this.#timer !== null) this.#environment.clearTimer(this.#timer);
    this.#timer = null;
  }
}
