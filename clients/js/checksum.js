// Is what this page shows what the hub has? The heartbeat carries a channel's checksum as of an offset (`sums`); the page
// computes its own from what it folded. They are compared wherever the two meet at one offset: the hub's word may come
// before the event or after it. What differs cannot be mended by events: the page needs a fresh snapshot.

const KEPT = 64; // own sums, so that a word about an offset that was passed can still be compared

/** The checksum of a kitchen: over open tickets' ids and versions, in no order; eight hex digits. */
export function kitchenSum(tickets) {
  let sum = 0;
  for (const { id, version } of tickets) {
    sum = (sum + Math.imul(Number.parseInt(id.slice(-8), 16), 2 * version + 1)) >>> 0;
  }
  return sum.toString(16).padStart(8, "0");
}

export class Checksum {
  #compute;
  #own = new Map(); // offset → sum, the oldest first
  #told = null; // { offset, sum }, the hub's newest word

  /** `compute()` answers the sum of what the page shows. */
  constructor(compute) {
    this.#compute = compute;
  }

  /** The page stands at `offset` now; answers whether it agrees with the hub as far as is known. */
  reached(offset) {
    this.#own.set(offset, this.#compute());
    if (this.#own.size > KEPT) this.#own.delete(this.#own.keys().next().value);
    return this.#agrees();
  }

  /** The hub's word, if the heartbeat had one; what was agreed on before is looked at again. `offset`: the page's own. */
  told(word, offset) {
    if (Number.isSafeInteger(word?.offset) && typeof word.sum === "string") this.#told = word;
    // Also without an event a page may have spoiled what it shows.
    return this.#told?.offset === offset ? this.reached(offset) : this.#agrees();
  }

  /** What follows begins anew; the hub's word was about what is given up. */
  reset() {
    this.#own.clear();
    this.#told = null;
  }

  #agrees() {
    const own = this.#told === null ? undefined : this.#own.get(this.#told.offset);
    return own === undefined || own === this.#told.sum;
  }
}
