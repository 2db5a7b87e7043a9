// The order being put together: where it goes, its lines, its sums, and the buttons that place it. It shows the
// cart and the faults the hub found; placing itself is main.js's.

import { button, h, reconcile, setShown, setText } from "../shared/dom.js";
import { minor, minorDigits, money } from "../shared/format.js";
import { texts } from "../texts.js";
import { sortFaults } from "./cart.js";

const words = texts.till;

export class OrderPanel {
  #cart;
  #menu;
  #actions;
  #faults = sortFaults([]);
  #general = "";
  #isBusy = false;
  #isSlow = false;
  #parts = {};
  restaurant = null;

  /** `actions`: `edit(line)`, `note()`, `place(isSent)`. */
  constructor(place, cart, menu, actions) {
    this.#cart = cart;
    this.#menu = menu;
    this.#actions = actions;
    const parts = this.#parts;
    const segment = (type, label) => button("segment", () => this.#type(type), { data: { type } }, label);
    parts.types = h("div", { class: "segments", role: "group", aria: { label: words.where } },
      segment("dine_in", words.table), segment("takeaway", words.takeaway));
    parts.table = h("input", {
      class: "table", name: "table", inputmode: "numeric", maxlength: "12", autocomplete: "off",
      placeholder: words.tableHint, aria: { label: words.tableNumber, describedby: "table-error" },
      oninput: () => this.#table(),
    });
    parts.tableError = h("p", { class: "field-error", id: "table-error", role: "alert" });
    parts.lines = h("ul", { class: "lines" });
    parts.empty = h("p", { class: "lines-empty" }, words.orderEmpty);
    parts.addNote = button("button", () => actions.note(), {}, words.addNote);
    parts.note = button("note-strip", () => actions.note());
    parts.sums = h("dl", { class: "sums" });
    parts.error = h("p", { class: "field-error order-error", role: "alert" });
    parts.clear = button("button", () => this.#clear(), {}, words.clear);
    parts.hold = button("button hold", () => actions.place(false), {}, words.hold);
    parts.send = button("button primary send", () => actions.place(true));
    place.append(
      h("div", { class: "panel-head" }, h("h2", {}, words.order), parts.addNote, parts.clear),
      h("div", { class: "where" }, parts.types, parts.table), parts.tableError,
      h("div", { class: "lines-place" }, parts.lines, parts.empty), parts.note, parts.sums, parts.error,
      h("div", { class: "place-buttons" }, parts.hold, parts.send));
  }

  /** The hub's faults, shown where they belong; `[]` clears them. */
  showFaults(errors, general = "") {
    this.#faults = sortFaults(errors);
    this.#general = general;
    this.render();
    if (this.#faults.fields.has("table")) this.#parts.table.focus();
  }

  setBusy(isBusy, isSlow = false) {
    this.#isBusy = isBusy;
    this.#isSlow = isSlow;
    this.render();
  }

  render() {
    const [cart, parts] = [this.#cart, this.#parts];
    for (const segment of parts.types.children) {
      segment.setAttribute("aria-pressed", String(segment.dataset.type === cart.type));
    }
    setShown(parts.table, cart.type === "dine_in");
    if (parts.table.value !== cart.table) parts.table.value = cart.table;
    const tableFaults = this.#faults.fields.get("table") ?? [];
    setText(parts.tableError, tableFaults.join(" "));
    setShown(parts.tableError, tableFaults.length > 0);
    parts.table.setAttribute("aria-invalid", String(tableFaults.length > 0));
    reconcile(parts.lines, cart.lines.map((line, index) => ({ line, index })), ({ line }) => line.key,
      ({ line }) => this.#createLine(line), (element, { line, index }) => this.#updateLine(element, line, index));
    setShown(parts.empty, cart.isEmpty);
    setText(parts.note, `“${cart.note}”`);
    setShown(parts.note, Boolean(cart.note));
    setShown(parts.addNote, !cart.note);
    this.#renderSums();
    const others = ["items", "order_type", "note"].flatMap((name) => this.#faults.fields.get(name) ?? []);
    const errors = [...others, ...this.#faults.rest, this.#general].filter(Boolean);
    setText(parts.error, this.#isSlow ? texts.problem.waiting : errors.join(" "));
    setShown(parts.error, this.#isSlow || errors.length > 0);
    parts.clear.disabled = cart.isEmpty || this.#isBusy;
    parts.hold.disabled = parts.send.disabled = cart.isEmpty || this.#isBusy;
    setText(parts.send, this.#isBusy ? words.sending : words.send);
  }

  #money(amount) {
    return money(amount, this.#menu.currency, texts.language);
  }

  #renderSums() {
    const { subtotal, vat, service, total } = this.#cart.sums(this.restaurant, minorDigits(this.#menu.currency));
    const amounts = [[words.subtotal, subtotal], [words.vat, vat], [words.service, service]];
    const isKnown = total !== null;
    const shown = isKnown ? amounts.filter(([, amount]) => amount > 0n) : [];
    this.#parts.sums.replaceChildren(
      h("div", { class: "sum-parts" }, ...shown.map(([name, amount]) => sumOf(name, this.#money(amount), "part"))),
      sumOf(isKnown ? words.total : words.subtotal, this.#money(isKnown ? total : subtotal), "total"),
      isKnown ? "" : sumOf(words.totalByHub, "", "hint"));
  }

  #createLine(line) {
    const { name, id } = line.product;
    const step = (by, label, sign) =>
      button("step", () => this.#step(line.key, by), { aria: { label: label(name) } }, sign);
    const edit = button("line-name", () => this.#actions.edit(line), { aria: { label: words.edit(name) } },
      h("span", { class: "line-title" }, name),
      h("span", { class: "line-wishes" }),
      h("span", { class: "line-price number" }));
    const quantity = h("span", { class: "line-quantity number", aria: { live: "polite" } });
    return h("li", { class: "line", data: { product: id } }, edit,
      h("div", { class: "steps" }, step(-1, words.fewer, "−"), quantity, step(1, words.moreOf, "+")),
      h("p", { class: "field-error", role: "alert" }));
  }

  #updateLine(element, line, index) {
    const product = this.#menu.product(line.product.id) ?? line.product;
    const wishes = [...line.modifiers, ...(line.note ? [`“${line.note}”`] : [])];
    const amount = minor(line.product.price, minorDigits(this.#menu.currency)) * BigInt(line.quantity);
    setText(element.querySelector(".line-wishes"), wishes.join(" · "));
    setText(element.querySelector(".line-price"), this.#money(amount));
    setText(element.querySelector(".line-quantity"), String(line.quantity));
    const faults = [...(this.#faults.lines.get(index) ?? [])];
    if (!product.available && faults.length === 0) faults.push(words.soldOut);
    const error = element.querySelector(".field-error");
    setText(error, faults.join(" "));
    setShown(error, faults.length > 0);
  }

  #step(key, by) {
    this.#cart.change(key, by);
    this.showFaults([]);
  }

  #type(type) {
    this.#cart.type = type;
    this.#cart.changed();
    this.showFaults([]);
    if (type === "dine_in") this.#parts.table.focus();
  }

  #table() {
    this.#cart.table = this.#parts.table.value;
    this.#cart.changed();
    this.showFaults([]);
  }

  #clear() {
    this.#cart.clear();
    this.showFaults([]);
  }
}

function sumOf(name, amount, kind) {
  return h("div", { class: "sum", data: { kind } }, h("dt", {}, name), h("dd", { class: "number" }, amount));
}
