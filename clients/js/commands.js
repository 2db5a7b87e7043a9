// Commands over the socket: each waits here until its reply. A connection that breaks takes no command with
// it: unanswered ones go out again on the next, in the same order and with the same idempotency key, so that
// the hub carries each out once.

import { HubError, HubProblem } from "./problem.js";

const CAPACITY = 256;
const IN_PROGRESS_TRIES = 20;

export class Commands {
  #environment;
  #send;
  #identifier;
  #renew;
  #pending = new Map(); // id → command
  #open = false;

  /** `send(message)` writes to the socket; `identifier()` gives message ids; `renew()` asks for a new token. */
  constructor(environment, { send, identifier, renew }) {
    this.#environment = environment;
    this.#send = send;
    this.#identifier = identifier;
    this.#renew = renew;
  }

  /** Commands that have no answer yet. */
  get waiting() {
    return this.#pending.size;
  }

  run(method, path, body, { key, timeout = 0, signal } = {}) {
    if (this.#pending.size >= CAPACITY) {
      return Promise.reject(new HubError("queue_full", `${CAPACITY} commands are waiting already`));
    }
    if (signal?.aborted) return Promise.reject(new HubError("aborted", "The command was given up before it was sent"));
    return new Promise((resolve, reject) => {
      const message = { type: "command", id: this.#identifier(), method, path };
      if (body !== undefined && body !== null) message.body = body;
      if (method !== "GET") message.key = key ?? this.#environment.uuid();
      const command = { message, resolve, reject, timers: [], tries: 0, renewed: false };
      this.#pending.set(message.id, command);
      if (timeout > 0) {
        this.#later(command, timeout, () => this.#giveUp(message.id, new HubError("timeout", "No answer in time")));
      }
      const aborted = () => this.#giveUp(message.id, new HubError("aborted", "Given up"));
      signal?.addEventListener("abort", aborted, { once: true });
      if (this.#open) this.#send(message);
    });
  }

  /** Signed in: everything unanswered goes out, oldest first. */
  opened() {
    this.#open = true;
    for (const { message } of this.#pending.values()) this.#send(message);
  }

  closed() {
    this.#open = false;
  }

  /** There will be no further connection. */
  end(error) {
    this.#open = false;
    for (const id of [...this.#pending.keys()]) this.#giveUp(id, error);
  }

  /** Takes a `reply`, or an `error` that names a command; returns whether it was one of ours. */
  answered({ id, status, body, offsets }) {
    const command = this.#pending.get(id);
    if (!command) return false;
    if (status < 400) {
      this.#settle(id).resolve({ status, body: body ?? null, offsets: offsets ?? {} });
      return true;
    }
    const problem = new HubProblem(status, body);
    if (problem.code === "idempotency_in_progress" && command.tries < IN_PROGRESS_TRIES) {
      // The first copy is still running on the hub: its stored answer comes with a later repeat.
      command.tries += 1;
      this.#later(command, 100 * 2 ** Math.min(command.tries, 5), () => this.#open && this.#send(command.message));
      return true;
    }
    if (status === 401 && !command.renewed) {
      command.renewed = true;
      this.#renew().then(
        () => this.#pending.has(id) && this.#open && this.#send(command.message),
        () => this.#giveUp(id, problem),
      );
      return true;
    }
    this.#giveUp(id, problem);
    return true;
  }

  #later(command, milliseconds, action) {
    command.timers.push(this.#environment.setTimer(action, milliseconds));
  }

  #giveUp(id, error) {
    this.#settle(id)?.reject(error);
  }

  #settle(id) {
    const command = this.#pending.get(id);
    if (!command) return null;
    this.#pending.delete(id);
    for (const timer of command.timers) this.#environment.clearTimer(timer);
    return command;
  }
}
