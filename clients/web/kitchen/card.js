// One ticket as a card. The whole card can be tapped; the button at its foot is what keyboard and screen readers use.

import { h, setData, setShown, setText } from "../shared/dom.js";
import { age, ageLevel, shortNumber } from "../shared/format.js";
import { texts } from "../texts.js";

const SLOW = 600; // milliseconds before «Sending …»: a word that flashes by is worse than none
const words = texts.kitchen;
const parts = new WeakMap(); // card → its pieces

export function createCard(ticket, onAct) {
  const piece = {
    kind: h("span", { class: "card-kind" }),
    table: h("span", { class: "card-table" }),
    number: h("span", { class: "card-number" }),
    age: h("span", { class: "card-age number" }),
    tags: h("p", { class: "card-tags" }),
    note: h("p", { class: "card-note" }),
    items: h("ul", { class: "card-items" }),
    state: h("span", { class: "card-state" }),
    act: h("span", { class: "card-act" }),
    signature: null,
    movingSince: null,
    ticket,
  };
  piece.button = h("button", { class: "card-button", type: "button", tabindex: "-1" }, piece.state, piece.act);
  const card = h("article", { class: "card", onclick: () => onAct(ticket.id) },
    h("header", { class: "card-head" },
      h("div", { class: "card-where" }, piece.kind, piece.table),
      h("div", { class: "card-when" }, piece.age, piece.number)),
    piece.tags, piece.note, piece.items, piece.button);
  parts.set(card, piece);
  return card;
}

/** Brings the card up to date; cheap when nothing changed. */
export function updateCard(card, ticket, isMoving) {
  const piece = parts.get(card);
  piece.ticket = ticket;
  const signature = `${ticket.version}|${ticket.status}|${ticket.recalled}|${isMoving}`;
  if (piece.signature === signature) return;
  piece.signature = signature;
  setData(card, "status", ticket.status);
  setData(card, "moving", String(isMoving));
  setData(card, "ticket", ticket.id);
  const isTable = ticket.table !== null && ticket.table !== undefined && ticket.table !== "";
  setText(piece.kind, isTable ? words.table : texts.orderType[ticket.order_type] ?? ticket.order_type);
  setText(piece.table, isTable ? ticket.table : shortNumber(ticket.order_number));
  setText(piece.number, isTable ? shortNumber(ticket.order_number) : "");
  const tags = tagsOf(ticket);
  piece.tags.replaceChildren(...tags.map(([kind, text]) => h("span", { class: "tag", data: { kind } }, text)));
  setShown(piece.tags, tags.length > 0);
  setText(piece.note, ticket.note ?? "");
  setShown(piece.note, Boolean(ticket.note));
  piece.items.replaceChildren(...ticket.items.map((item) => itemOf(item)));
  setText(piece.state, words.state[ticket.status]);
  setText(piece.act, words.act[ticket.status] ?? "");
  piece.movingSince = isMoving ? (piece.movingSince ?? performance.now()) : null;
  piece.button.setAttribute("aria-label", labelOf(ticket));
}

/** Counts the age up, and tells of a move that is still on its way; called once a second. */
export function tickCard(card, now, thresholds) {
  const piece = parts.get(card);
  const isSlow = piece.movingSince !== null && performance.now() - piece.movingSince > SLOW;
  setData(card, "slow", String(isSlow));
  if (isSlow) setText(piece.act, words.waiting);
  const { ticket } = piece;
  const end = ticket.status === "ready" && ticket.ready_at ? Date.parse(ticket.ready_at) : now;
  const seconds = end === null ? 0 : (end - Date.parse(ticket.fired_at)) / 1000;
  const isCounted = now !== null && ticket.status !== "voided";
  setText(piece.age, isCounted ? age(seconds) : "");
  setData(card, "age", isCounted && ticket.status !== "ready" ? ageLevel(seconds, thresholds) : "neutral");
}

export function buttonOf(card) {
  return parts.get(card).button;
}

/** "Table 12, #0001" or "Takeaway #0001". */
export function nameOf(ticket) {
  const number = shortNumber(ticket.order_number);
  if (ticket.table) return `${words.table} ${ticket.table}, ${number}`;
  return `${texts.orderType[ticket.order_type] ?? ticket.order_type} ${number}`;
}

function labelOf(ticket) {
  const items = ticket.items.map(({ quantity, name }) => `${quantity} ${name}`).join(", ");
  return words.label(`${nameOf(ticket)}, ${items}`, words.state[ticket.status], words.act[ticket.status] ?? "");
}

function tagsOf(ticket) {
  const tags = [];
  if (words.priority[ticket.priority]) tags.push([ticket.priority, words.priority[ticket.priority]]);
  if (ticket.recalled && ticket.status === "started") tags.push(["recalled", words.recalled]);
  if (ticket.course > 1) tags.push(["course", words.course(ticket.course)]);
  return tags;
}

function itemOf({ quantity, name, modifiers, note, status }) {
  return h("li", { class: "item", data: { status } },
    h("span", { class: "item-quantity number" }, String(quantity)),
    h("span", { class: "item-name" }, name),
    (modifiers ?? []).length > 0 && h("ul", { class: "item-modifiers" }, ...modifiers.map((text) => h("li", {}, text))),
    note && h("p", { class: "item-note" }, note));
}
