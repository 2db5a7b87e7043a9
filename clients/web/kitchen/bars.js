// The bars above the board: stations to choose from, and the all-day counts with what is sold out.

import { button, h, reconcile, setText } from "../shared/dom.js";
import { texts } from "../texts.js";

const words = texts.kitchen;

/** Buttons for all and for each station, with how many tickets wait there. */
export function stationBar(place, choose) {
  place.setAttribute("aria-label", words.stations);
  return (model, chosen) => {
    const counts = new Map();
    const tickets = model.board();
    for (const { station_id: id } of tickets) counts.set(id, (counts.get(id) ?? 0) + 1);
    const entries = [{ id: null, name: words.all, count: tickets.length, key: "0" }];
    for (const [index, { id, name }] of model.stations.entries()) {
      entries.push({ id, name, count: counts.get(id) ?? 0, key: index < 9 ? String(index + 1) : "" });
    }
    reconcile(place, entries, ({ id }) => id ?? "all", createStation, (element, { id, name, count, key }) => {
      element.setAttribute("aria-pressed", String(chosen === id));
      if (key) element.setAttribute("aria-keyshortcuts", key);
      setText(element.firstElementChild, name);
      setText(element.lastElementChild, String(count));
    });
  };

  function createStation({ id }) {
    return button("station", () => choose(id), {},
      h("span", { class: "station-name" }), h("span", { class: "station-count number" }));
  }
}

/** "6 Classic burger · 4 Fries", then "Out: Salmon". A tap shows all of it. */
export function allDayBar(place) {
  const list = h("ul", { class: "all-day-list" });
  const toggle = button("all-day-button", () => {
    const isOpen = place.toggleAttribute("data-open");
    toggle.setAttribute("aria-expanded", String(isOpen));
  }, { aria: { expanded: "false" } }, words.allDay);
  place.append(toggle, list);
  return (model, station) => {
    const out = [...model.soldOut].map(([id, name]) => ({ id: `out-${id}`, name, amount: words.out, kind: "out" }));
    const counts = model.allDay(station).map(({ id, name, quantity }) => (
      { id, name, amount: String(quantity), kind: "count" }));
    const rows = [...out, ...counts];
    if (counts.length === 0) rows.push({ id: "none", name: words.allDayEmpty, amount: "", kind: "none" });
    reconcile(list, rows, ({ id }) => id, createDay, (element, { name, amount }) => {
      setText(element.firstElementChild, amount);
      setText(element.lastElementChild, name);
    });
  };
}

function createDay({ kind }) {
  return h("li", { class: "day", data: { kind } }, h("strong", { class: "number" }), h("span", {}));
}
