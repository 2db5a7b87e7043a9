// Who listens to one channel, folded from the hub's presence messages (wire.md §2): a `list` of who is there, then
// who joins and leaves. A list without members is of too many to name: then only the count is known, until the next
// list. Nothing here is kept over a connection: what others do meanwhile is not told.

export class Presence {
  #members = null; // by connection
  #count = null;

  /** Who is there, the oldest first; null while it is not known, or when they are too many to name. */
  get members() {
    return this.#members === null ? null : [...this.#members.values()];
  }

  /** How many are there; null while it is not known. */
  get count() {
    return this.#count;
  }

  forget() {
    this.#members = null;
    this.#count = null;
  }

  /** Takes a message; returns what a program is told. */
  take({ event, member = null, members = null, count }) {
    this.#count = count;
    if (event === "list") this.#members = members === null ? null : new Map(members.map((one) => [one.connection, one]));
    else if (event === "join") this.#members?.set(member.connection, member);
    else if (event === "leave") this.#members?.delete(member.connection);
    return { event, member, members: this.members, count };
  }
}
