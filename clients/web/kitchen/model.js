// What the kitchen's channel says, folded: open tickets, stations, what is sold out, what was bumped. On top of it
// lies the optimistic layer: what this screen did and has not yet seen come back. Pure, no page, no clock.

import { kitchenSum } from "../../js/checksum.js";

const RECALLABLE = 24;

/** The ticket after one of our own moves; contract of `POST /tickets/{id}/…`. */
export function moved(ticket, verb) {
  const { status } = ticket;
  if (verb === "start") return status === "new" ? { ...ticket, status: "started" } : ticket;
  if (verb === "recall") return { ...ticket, status: "started", open: true, recalled: true };
  if (status === "new" || status === "started") return { ...ticket, status: "ready" };
  return { ...ticket, open: false, status: status === "ready" ? "served" : status };
}

export class KitchenModel {
  restaurant = null;
  stations = [];
  thresholds = { amber_seconds: 900, red_seconds: 1200 };
  soldOut = new Map(); // product id → name
  #tickets = new Map(); // id → { ticket, offset }, open ones, in the order of firing
  #bumped = new Map(); // id → ticket, ready or served, oldest first
  #moves = new Map(); // id → [verb], ours and not yet seen

  snapshot(document, offset) {
    this.restaurant = document.restaurant;
    this.stations = [...document.stations].sort((a, b) => a.position - b.position);
    this.thresholds = document.thresholds ?? this.thresholds;
    this.soldOut = new Map((document.out_of_stock ?? []).map(({ product_id: id, name }) => [id, name]));
    this.#tickets = new Map(document.tickets.map((ticket) => [ticket.id, { ticket, offset }]));
    for (const ticket of document.tickets) this.#remember(ticket);
  }

  /** Applies an event; returns the ticket when it is new on the board. */
  event({ event, data, offset }) {
    if (event === "menu.item_unavailable") this.soldOut.set(data.product_id, data.name);
    else if (event === "menu.item_available") this.soldOut.delete(data.product_id);
    else if (event.startsWith("ticket.") && data?.id) return this.#fold(data, offset);
    return null;
  }

  /** Takes what was bumped before this page was opened, from the channel's log. */
  history(events) {
    const known = new Set(this.#bumped.keys());
    for (const { event, data } of events) {
      if (event?.startsWith("ticket.") && data?.id && !known.has(data.id)) this.#remember(data);
    }
  }

  #fold(ticket, offset) {
    const isNew = !this.#tickets.has(ticket.id) && ticket.status === "new";
    if (ticket.open) this.#tickets.set(ticket.id, { ticket, offset });
    else this.#tickets.delete(ticket.id);
    this.#remember(ticket);
    return isNew && ticket.open ? ticket : null;
  }

  #remember(ticket) {
    const { id, status } = ticket;
    const isSame = this.#bumped.get(id)?.status === status;
    if (status !== "ready" && status !== "served") this.#bumped.delete(id);
    else if (isSame) this.#bumped.set(id, ticket);
    else {
      this.#bumped.delete(id);
      this.#bumped.set(id, ticket);
    }
    if (this.#bumped.size > 4 * RECALLABLE) this.#bumped.delete(this.#bumped.keys().next().value);
  }

  // ——— our own moves ———

  push(id, verb) {
    this.#moves.set(id, [...(this.#moves.get(id) ?? []), verb]);
  }

  /** The oldest move of a ticket has come back, or was refused. */
  shift(id) {
    const left = (this.#moves.get(id) ?? []).slice(1);
    if (left.length > 0) this.#moves.set(id, left);
    else this.#moves.delete(id);
  }

  /** The ticket as the hub last told it. */
  known(id) {
    return this.#tickets.get(id)?.ticket ?? this.#bumped.get(id) ?? null;
  }

  /** The checksum of the open tickets as the hub told them, without what is ours and not yet seen. */
  get sum() {
    return kitchenSum([...this.#tickets.values()].map(({ ticket }) => ticket));
  }

  /** The offset that brought a ticket here, for receipts. */
  offsetOf(id) {
    return this.#tickets.get(id)?.offset ?? 0;
  }

  /** The ticket as this screen shows it: with our own moves. */
  shown(id) {
    const ticket = this.known(id);
    return ticket && (this.#moves.get(id) ?? []).reduce(moved, ticket);
  }

  isMoving(id) {
    return this.#moves.has(id);
  }

  // ——— what is shown ———

  /** Open tickets in the order of firing, of one station or all (`null`). */
  board(station = null) {
    const recalled = [...this.#moves.keys()].filter((id) => !this.#tickets.has(id));
    return [...this.#tickets.keys(), ...recalled]
      .map((id) => this.shown(id))
      .filter((ticket) => ticket?.open && (station === null || ticket.station_id === station))
      .sort((a, b) => compare(a.fired_at, b.fired_at) || compare(a.id, b.id));
  }

  /** Stations as columns, each with its tickets; tickets without a station come last, if there are any. */
  columns() {
    const tickets = this.board();
    const known = new Set(this.stations.map(({ id }) => id));
    const columns = this.stations.map(({ id, name }) => ({
      id, name, tickets: tickets.filter(({ station_id: station }) => station === id),
    }));
    const others = tickets.filter(({ station_id: station }) => !known.has(station));
    return others.length > 0 ? [...columns, { id: "other", name: null, tickets: others }] : columns;
  }

  /** What is still to be cooked, by product, most first. */
  allDay(station = null) {
    const counts = new Map();
    for (const ticket of this.board(station)) {
      if (ticket.status !== "new" && ticket.status !== "started") continue;
      for (const { product_id: id, name, quantity, status } of ticket.items) {
        if (status === "voided" || (status === "ready" && !ticket.recalled)) continue;
        const count = counts.get(id) ?? { id, name, quantity: 0 };
        count.quantity += quantity;
        counts.set(id, count);
      }
    }
    return [...counts.values()].sort((a, b) => b.quantity - a.quantity || compare(a.name, b.name));
  }

  /** Tickets that can be brought back, last bumped first. */
  recallable(station = null) {
    return [...this.#bumped.values()].reverse()
      .filter((ticket) => station === null || ticket.station_id === station)
      .filter(({ id }) => this.shown(id)?.status !== "started")
      .slice(0, RECALLABLE);
  }
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}
