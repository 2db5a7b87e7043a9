// Listeners by name. A listener that throws is reported and stops nobody else.

export class Emitter {
  #report;
  #listeners = new Map();

  constructor(report) {
    this.#report = report;
  }

  /** Adds a listener; returns the function that removes it. */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  emit(name, value) {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
