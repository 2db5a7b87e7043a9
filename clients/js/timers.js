// Timers by name: setting a name again replaces its timer, so each purpose has one at most and none is forgotten.

const LONGEST = 2 ** 31 - 1; // what setTimeout can hold; a longer wait fires early, and its action asks again

export class Timers {
  #environment;
  #running = new Map();

  constructor(environment) {
    this.#environment = environment;
  }

  has(name) {
    return this.#running.has(name);
  }

  after(name, milliseconds, action) {
    this.cancel(name);
    this.#running.set(name, this.#environment.setTimer(() => {
      this.#running.delete(name);
      action();
    }, Math.min(milliseconds, LONGEST)));
  }

  cancel(name) {
    if (!this.#running.has(name)) return;
    this.#environment.clearTimer(this.#running.get(name));
    this.#running.delete(name);
  }

  cancelAll({ except } = {}) {
    for (const name of [...this.#running.keys()]) if (name !== except) this.cancel(name);
  }
}
