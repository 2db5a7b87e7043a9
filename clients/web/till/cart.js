// The order being put together, and the attempt to place it. Pure: no page, no network. Amounts in minor units; what
// is charged is worked out by the hub alone, the sums here are only shown.

import { minor, share } from "../shared/format.js";

export class Cart {
  type = "dine_in";
  table = "";
  note = "";
  #lines = []; // { key, product, quantity, modifiers, note }
  #last = 0;
  #attempt = null;
  #uuid;

  /** `uuid()` makes idempotency keys. */
  constructor(uuid) {
    this.#uuid = uuid;
  }

  get lines() {
    return this.#lines;
  }

  get isEmpty() {
    return this.#lines.length === 0;
  }

  /** One more of a product: on its plain line if there is one. Returns the line. */
  add(product) {
    let line = this.#lines.find((other) => other.product.id === product.id && isPlain(other));
    if (line) line.quantity += 1;
    else {
      this.#last += 1;
      line = { key: this.#last, product, quantity: 1, modifiers: [], note: "" };
      this.#lines.push(line);
    }
    this.changed();
    return line;
  }

  /** Changes a line's quantity; at 0 it goes. */
  change(key, by) {
    const line = this.#lines.find((other) => other.key === key);
    if (!line) return;
    line.quantity = Math.min(99, line.quantity + by);
    if (line.quantity < 1) this.remove(key);
    this.changed();
  }

  remove(key) {
    this.#lines = this.#lines.filter((line) => line.key !== key);
    this.changed();
  }

  clear() {
    this.#lines = [];
    this.table = "";
    this.note = "";
    this.changed();
  }

  /** Anything said differently is another order: it gets another key. */
  changed() {
    this.#attempt = null;
  }

  /** The body of `POST /orders`. */
  document(restaurant) {
    const items = this.#lines.map(({ product, quantity, modifiers, note }) => ({
      product_id: product.id, quantity, ...(modifiers.length > 0 ? { modifiers } : {}), ...(note ? { note } : {}),
    }));
    const table = this.type === "dine_in" && this.table.trim() ? { table: this.table.trim() } : {};
    const note = this.note ? { note: this.note } : {};
    return { restaurant_id: restaurant, order_type: this.type, ...table, items, ...note };
  }

  /** Keys of the attempt to place this very order: the same ones until it is changed or `settled`. */
  attempt() {
    this.#attempt ??= { create: this.#uuid(), confirm: this.#uuid() };
    return this.#attempt;
  }

  /** The hub has answered: the next try, even of the same order, is another attempt. */
  settled() {
    this.#attempt = null;
  }

  /** Subtotal, VAT, service and total in minor units; null for what only the hub can say. */
  sums(restaurant, digits) {
    const subtotal = this.#lines.reduce(
      (sum, { product, quantity }) => sum + minor(product.price, digits) * BigInt(quantity), 0n);
    if (!restaurant || restaurant.prices_include_vat) return { subtotal, vat: null, service: null, total: null };
    const vat = restaurant.vat_enabled ? share(subtotal, restaurant.vat_rate) : 0n;
    const service = restaurant.service_enabled ? share(subtotal, restaurant.service_rate) : 0n;
    return { subtotal, vat, service, total: subtotal + vat + service };
  }
}

function isPlain({ modifiers, note }) {
  return modifiers.length === 0 && note === "";
}

const FIELDS = new Set(["table", "note", "items", "order_type"]);

/** Faults of a problem document by place: lines (index → texts), fields (name → texts), and the rest. */
export function sortFaults(errors) {
  const faults = { lines: new Map(), fields: new Map(), rest: [] };
  const add = (map, key, text) => map.set(key, [...(map.get(key) ?? []), text]);
  for (const { field, detail, code } of errors) {
    const text = detail || code;
    const line = /^items\[(\d+)\]/.exec(field ?? "");
    if (line) add(faults.lines, Number(line[1]), text);
    else if (FIELDS.has(field)) add(faults.fields, field, text);
    else faults.rest.push(text);
  }
  return faults;
}
