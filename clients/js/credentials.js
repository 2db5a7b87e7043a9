// The token a connection signs in with, and when to replace it. Not a store: `source` is either a fixed token or
// the program's own function (see rest.js `Session.token`), asked again before expiry and after a refusal.

import { HubError, HubProblem } from "./problem.js";

const LEAD = 60_000; // renew this long before expiry, or at four fifths of a shorter life

export class Credentials {
  #source;
  #current = null;
  #running = null;

  constructor(source) {
    this.#source = source;
  }

  get current() {
    return this.#current;
  }

  /** False for a fixed token: when it is refused there is no other. */
  get isRenewable() {
    return typeof this.#source === "function";
  }

  /** The token to use now; `renew` asks for another than the current one. One request at a time. */
  async token({ renew = false } = {}) {
    if (!this.isRenewable) return (this.#current = this.#source ?? null);
    this.#running ??= Promise.resolve(this.#source({ renew, refused: renew ? this.#current : null })).finally(() => {
      this.#running = null;
    });
    this.#current = await this.#running;
    return this.#current;
  }

  /** Milliseconds to wait before renewing a token that lives `remaining` milliseconds more. */
  static renewalDelay(remaining) {
    return Math.max(0, remaining - Math.min(LEAD, remaining / 5));
  }

  /** True when `error` says that there will be no other token: sign in again. */
  static isFinal(error) {
    if (error instanceof HubProblem) return error.status >= 400 && error.status < 500 && error.status !== 429;
    return error instanceof HubError && error.code === "signed_out";
  }
}
