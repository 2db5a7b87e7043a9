// What is wrong in the kitchen, beside the name of the restaurant: tickets that no screen has shown in time, stations
// without a screen. It comes and goes with the hub's word; nothing is to be tapped away.

import { h, reconcile, setShown, setText } from "../shared/dom.js";
import { shortNumber } from "../shared/format.js";
import { texts } from "../texts.js";

const words = texts.till.alarm;

/** Fills `place`; returns what draws the lines of TillModel's `alarms`. */
export function alarmStrip(place) {
  const list = h("ul", { class: "alarm-list" });
  place.setAttribute("role", "alert");
  place.setAttribute("aria-label", words.label);
  place.append(list);
  return (lines) => {
    setShown(place, lines.length > 0);
    reconcile(list, lines, ({ key }) => key, ({ kind }) => h("li", { class: "alarm", data: { kind } }), (element, line) =>
      setText(element, sentence(line)));
  };
}

function sentence({ kind, station, count, number }) {
  if (kind === "station.uncovered") return words.uncovered(station);
  return words.unseen(station, shortNumber(number), count - 1);
}
