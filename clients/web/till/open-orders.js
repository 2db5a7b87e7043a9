// The open orders of the restaurant and how far the kitchen is with each: a line of steps, a chip for each ticket,
// and the buttons that its status allows.

import { button, h, reconcile, setData, setShown, setText } from "../shared/dom.js";
import { age, minor, minorDigits, money, shortNumber } from "../shared/format.js";
import { texts } from "../texts.js";

const words = texts.till;
const parts = new WeakMap();

export class OpenOrders {
  #list = h("ul", { class: "orders" });
  #empty = h("p", { class: "orders-empty" }, words.openEmpty);
  #count = h("span", { class: "orders-count number" });
  #actions;

  /** `actions`: `confirm(id)`, `complete(id)`, `cancel(id)`. */
  constructor(place, actions) {
    this.#actions = actions;
    place.append(h("div", { class: "panel-head" }, h("h2", {}, words.open, " ", this.#count)), this.#list, this.#empty);
  }

  render(orders, busy) {
    setText(this.#count, orders.length > 0 ? words.openCount(orders.length) : "");
    setShown(this.#empty, orders.length === 0);
    reconcile(this.#list, orders, ({ id }) => id, (order) => this.#create(order), (element, order) =>
      this.#update(element, order, busy.has(order.id)));
  }

  tick(now) {
    for (const element of this.#list.children) {
      const { order, time } = parts.get(element);
      setText(time, now === null ? "" : age((now - Date.parse(order.created_at)) / 1000));
    }
  }

  #create({ id }) {
    const act = (name, kind) =>
      button(`button ${kind}`, () => this.#actions[name](id), { data: { act: name } }, words[name]);
    const piece = {
      where: h("strong", { class: "order-where" }),
      number: h("span", { class: "order-number" }),
      time: h("span", { class: "order-age number" }),
      status: h("span", { class: "order-status" }),
      total: h("span", { class: "order-total number" }),
      steps: h("ol", { class: "progress", role: "img" }, ...words.steps.map(() => h("li", {}))),
      items: h("p", { class: "order-items" }),
      tickets: h("ul", { class: "chips" }),
      confirm: act("confirm", "primary"),
      complete: act("complete", "good"),
      cancel: act("cancel", "danger"),
    };
    const element = h("li", { class: "order", data: { order: id } },
      h("div", { class: "order-head" }, piece.where, piece.number, piece.time),
      h("div", { class: "order-line" }, piece.status, piece.total), piece.steps, piece.items,
      h("div", { class: "order-foot" }, piece.tickets, piece.cancel), piece.confirm, piece.complete);
    parts.set(element, piece);
    return element;
  }

  #update(element, order, isBusy) {
    const piece = parts.get(element);
    piece.order = order;
    setData(element, "status", order.status);
    const type = texts.orderType[order.order_type] ?? order.order_type;
    setText(piece.where, order.table ? `${words.table} ${order.table}` : type);
    setText(piece.number, shortNumber(order.number));
    setText(piece.status, words.status[order.status] ?? order.status);
    setText(piece.total, money(minor(order.total, minorDigits(order.currency)), order.currency, texts.language));
    const step = words.steps.indexOf(order.status) + 1;
    const label = words.stepLabel(words.status[order.status] ?? order.status, step, words.steps.length);
    piece.steps.setAttribute("aria-label", label);
    [...piece.steps.children].forEach((dot, index) => setData(dot, "done", String(index < step)));
    setText(piece.items, order.items.map(({ quantity, name }) => `${quantity} × ${name}`).join(", "));
    const tickets = order.tickets ?? [];
    reconcile(piece.tickets, tickets, ({ id }) => id, () => h("li", { class: "chip" }), (chip, { station, status }) => {
      setText(chip, `${station ?? ""} ${words.ticket[status] ?? status}`.trim());
      setData(chip, "status", status);
    });
    setShown(piece.confirm, order.status === "pending");
    setShown(piece.complete, order.status === "ready");
    for (const act of [piece.confirm, piece.complete, piece.cancel]) act.disabled = isBusy;
  }
}
