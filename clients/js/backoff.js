// Exponential back-off with full jitter: the n-th wait is uniform between 0 and min(cap, base × 2ⁿ), so that
// a kitchen full of screens does not come back in one instant. Not a timer: it only says how long to wait.

export class Backoff {
  #base;
  #cap;
  #random;
  #attempt = 0;

  /** `base` and `cap` in milliseconds; `random` gives [0, 1). */
  constructor({ base = 500, cap = 15_000, random = Math.random } = {}) {
    this.#base = base;
    this.#cap = cap;
    this.#random = random;
  }

  /** How often `next` was asked since the last success. */
  get attempt() {
    return this.#attempt;
  }

  /** The milliseconds to wait before the next try. */
  next() {
    const ceiling = Math.min(this.#cap, this.#base * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return this.#random() * ceiling;
  }

  /** Call after proof that the other side is well, not merely reachable. */
  reset() {
    this.#attempt = 0;
  }
}
