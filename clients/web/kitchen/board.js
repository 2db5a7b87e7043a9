// The board: columns by station, or one station's tickets as a wall. It keeps the cards' elements, the selected
// card, and the "3 more" buttons that take the place of scrolling for wet fingers.

import { button, h, reconcile, setData, setShown, setText } from "../shared/dom.js";
import { texts } from "../texts.js";
import { buttonOf, createCard, tickCard, updateCard } from "./card.js";

const words = texts.kitchen;
const DOUBLE_TAP = 350; // milliseconds: a second touch this soon is the same finger, not a second wish

export class Board {
  #place;
  #model;
  #onAct;
  #selected = null; // ticket id
  #lastTouch = { id: null, at: -Infinity };

  constructor(place, model, onAct) {
    this.#place = place;
    this.#model = model;
    this.#onAct = onAct;
    addEventListener("resize", () => this.#countHidden());
  }

  /** Draws everything; `station` null shows all. Returns the tickets on the board. */
  render(station) {
    const focused = document.activeElement?.closest?.(".card");
    const places = focused ? this.#cards().indexOf(focused) : -1;
    const columns = station === null
      ? this.#model.columns()
      : [{ id: station, name: null, tickets: this.#model.board(station), isWall: true }];
    setData(this.#place, "layout", station === null ? "columns" : "wall");
    this.#place.style.setProperty("--columns", String(Math.max(1, columns.length)));
    reconcile(this.#place, columns, ({ id }) => id, (column) => createColumn(column), (element, column) =>
      this.#updateColumn(element, column));
    this.#keepSelection(places);
    this.#countHidden();
    return columns.flatMap(({ tickets }) => tickets);
  }

  /** Counts ages up. */
  tick(now) {
    for (const card of this.#cards()) tickCard(card, now, this.#model.thresholds);
  }

  get selected() {
    return this.#selected;
  }

  /** Moves the selection to the nearest card in a direction: left, right, up, down. */
  step(direction) {
    const cards = this.#cards();
    if (cards.length === 0) return;
    const current = cards.find((card) => card.dataset.ticket === this.#selected);
    this.#focus(current ? nearest(current, cards, direction) ?? current : cards[0]);
  }

  #updateColumn(element, column) {
    const [head, list] = [element.querySelector(".column-head"), element.querySelector(".column-list")];
    setShown(head, !column.isWall);
    setText(head.querySelector("h2"), column.name ?? words.noStation);
    setText(head.querySelector(".column-count"), column.tickets.length > 0 ? String(column.tickets.length) : "");
    reconcile(list, column.tickets, ({ id }) => id, (ticket) => createCard(ticket, (id) => this.#touched(id)),
      (card, ticket) => updateCard(card, ticket, this.#model.isMoving(ticket.id)));
    const empty = element.querySelector(".column-empty");
    setText(empty, column.isWall ? words.empty : words.emptyColumn);
    setShown(empty, column.tickets.length === 0);
  }

  #touched(id) {
    const now = performance.now();
    if (this.#lastTouch.id === id && now - this.#lastTouch.at < DOUBLE_TAP) return;
    this.#lastTouch = { id, at: now };
    this.#selected = id;
    this.#onAct(id);
  }

  #cards() {
    return [...this.#place.querySelectorAll(".card")];
  }

  // One card is reachable by Tab, the arrows go between them; a card that leaves hands the focus to its neighbour.
  #keepSelection(focusedPlace) {
    const cards = this.#cards();
    let selected = cards.find((card) => card.dataset.ticket === this.#selected);
    if (!selected && focusedPlace >= 0 && cards.length > 0) {
      this.#focus(cards[Math.min(focusedPlace, cards.length - 1)]);
      return;
    }
    selected ??= cards[0];
    for (const card of cards) buttonOf(card).tabIndex = card === selected ? 0 : -1;
  }

  #focus(card) {
    this.#selected = card.dataset.ticket;
    for (const other of this.#cards()) buttonOf(other).tabIndex = other === card ? 0 : -1;
    buttonOf(card).focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  #countHidden() {
    for (const column of this.#place.querySelectorAll(".column")) countHidden(column);
  }
}

function createColumn({ id }) {
  const list = h("div", { class: "column-list" });
  const column = h("section", { class: "column", data: { station: id } },
    h("header", { class: "column-head" }, h("h2", {}), h("span", { class: "column-count number" })),
    moreButton("up", () => list.scrollBy({ top: -0.8 * list.clientHeight, behavior: "smooth" })),
    list,
    h("p", { class: "column-empty" }),
    moreButton("down", () => list.scrollBy({ top: 0.8 * list.clientHeight, behavior: "smooth" })));
  list.addEventListener("scroll", () => countHidden(column), { passive: true });
  return column;
}

function moreButton(direction, action) {
  return button(`more more-${direction}`, action, { tabindex: "-1", hidden: true });
}

// Cards of which less than half can be seen, above and below.
function countHidden(column) {
  const list = column.querySelector(".column-list");
  const box = list.getBoundingClientRect();
  let [above, below] = [0, 0];
  for (const card of list.children) {
    const { top, bottom, height } = card.getBoundingClientRect();
    const visible = Math.min(bottom, box.bottom) - Math.max(top, box.top);
    if (visible >= Math.min(height, box.height) / 2) continue;
    if (top < box.top) above += 1;
    else below += 1;
  }
  for (const [name, arrow, count] of [["up", "▲", above], ["down", "▼", below]]) {
    const button = column.querySelector(`.more-${name}`);
    setShown(button, count > 0);
    if (count > 0) setText(button, `${arrow} ${words.more(count)}`);
  }
}

function nearest(from, cards, direction) {
  const start = middle(from);
  const [axis, other, sign] = {
    left: ["x", "y", -1], right: ["x", "y", 1], up: ["y", "x", -1], down: ["y", "x", 1],
  }[direction];
  let best = null;
  for (const card of cards) {
    const place = middle(card);
    const along = sign * (place[axis] - start[axis]);
    if (along <= 4) continue;
    const across = Math.abs(place[other] - start[other]);
    // Up and down stay in the column; left and right take the nearest row of the next column.
    const distance = axis === "y" ? along + across * 20 : along * 4 + across;
    if (!best || distance < best.distance) best = { card, distance };
  }
  return best?.card ?? null;
}

function middle(card) {
  const { left, top, width } = card.getBoundingClientRect();
  return { x: left + width / 2, y: top };
}
