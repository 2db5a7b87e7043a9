// What the till's channel says, folded: open orders with their tickets, the kitchen's alarms, and what is
// sold out. Pure.

const OVER = new Set(["completed", "cancelled"]);

export class TillModel {
  restaurant = null;
  #orders = new Map();
  #alarms = new Map(); // ticket or station id → alarm

  snapshot(document) {
    this.restaurant = document.restaurant;
    this.#orders = new Map(document.orders.map((order) => [order.id, order]));
    this.#alarms = new Map((document.alarms ?? []).map((alarm) => [alarm.id, alarm]));
  }

  /** Applies an event; returns what a person should be told of: { kind, number } or { kind, name }, or null. */
  event({ event, data }) {
    if (event === "ticket.unseen" || event === "station.uncovered") this.#alarms.set(data.id, data.alarm);
    if (event === "ticket.seen" || event === "station.covered") this.#alarms.delete(data.id);
    if (event.startsWith("order.") && data?.id) return this.#order(event, data);
    if (event.startsWith("ticket.") && data?.order_id) this.#ticket(data);
    return null;
  }

  #order(event, order) {
    const before = this.#orders.get(order.id);
    if (!OVER.has(order.status)) {
      this.#orders.set(order.id, order);
      return null;
    }
    this.#orders.delete(order.id);
    return before ? { kind: order.status, number: order.number } : null;
  }

  // Ticket events carry the kitchen's progress; the order's own events come when its status follows.
  #ticket(ticket) {
    const order = this.#orders.get(ticket.order_id);
    if (!order) return;
    const { id, station_id, station, status, started_at, ready_at } = ticket;
    const told = { id, station_id, station, status, started_at, ready_at };
    const tickets = order.tickets ?? [];
    const isKnown = tickets.some((other) => other.id === id);
    const next = isKnown ? tickets.map((other) => (other.id === id ? told : other)) : [...tickets, told];
    this.#orders.set(order.id, { ...order, tickets: next });
  }

  /** Open orders, ready ones first, then the oldest. */
  get orders() {
    const rank = ({ status }) => (status === "ready" ? 0 : 1);
    return [...this.#orders.values()].sort((a, b) => rank(a) - rank(b) || (a.created_at < b.created_at ? -1 : 1));
  }

  /** What is wrong in the kitchen, a line a station and kind, oldest first: { key, kind, station, count, number }. */
  get alarms() {
    const lines = new Map();
    for (const alarm of [...this.#alarms.values()].sort((a, b) => (a.since < b.since ? -1 : 1))) {
      const { kind, station_id: id, station, order_number: number } = alarm;
      const key = `${kind} ${id}`;
      const line = lines.get(key) ?? { key, kind, station, count: 0, number };
      line.count += 1;
      lines.set(key, line);
    }
    return [...lines.values()];
  }

  order(id) {
    return this.#orders.get(id) ?? null;
  }
}

/** Whether a menu event changes what can be sold: [product id, available], or null. */
export function availability({ event, data }) {
  if (event === "menu.item_unavailable") return [data.product_id, false];
  if (event === "menu.item_available") return [data.product_id, true];
  return null;
}
