// What fingers do to tickets: shown at once, sent to the hub, and the own layer dropped exactly when the reply's
// offsets have arrived. Moves of one ticket go one after the other, each with the version the last one left.

export class Actions {
  #hub;
  #model;
  #changed;
  #failed;
  #queues = new Map(); // ticket id → promise of its last move
  #versions = new Map(); // ticket id → newest version a reply told

  /** `changed()` after every change of what is shown; `failed(error)` when a move was refused. */
  constructor(hub, model, { changed, failed }) {
    this.#hub = hub;
    this.#model = model;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** The next step of a ticket: start, else bump. */
  advance(id) {
    const ticket = this.#model.shown(id);
    if (ticket?.open) this.#move(id, ticket.status === "new" ? "start" : "bump");
  }

  recall(id) {
    this.#move(id, "recall");
  }

  #move(id, verb) {
    this.#model.push(id, verb);
    this.#changed();
    const previous = this.#queues.get(id) ?? Promise.resolve();
    const move = previous.then(() => this.#send(id, verb)).finally(() => {
      if (this.#queues.get(id) === move) {
        this.#queues.delete(id);
        this.#versions.delete(id);
      }
    });
    this.#queues.set(id, move);
  }

  async #send(id, verb) {
    const version = Math.max(this.#model.known(id)?.version ?? 0, this.#versions.get(id) ?? 0);
    const body = version > 0 ? { version } : undefined;
    let reply = null;
    try {
      reply = await this.#hub.command("POST", `/api/v1/tickets/${id}/${verb}`, body);
      if (Number.isInteger(reply.body?.version)) this.#versions.set(id, reply.body.version);
    } catch (error) {
      this.#model.shift(id);
      this.#changed();
      this.#failed(error);
      return;
    }
    // The next move of this ticket need not wait until the event is here, only for the version.
    this.#hub.arrived(reply.offsets).then(() => {
      this.#model.shift(id);
      this.#changed();
    });
  }
}
