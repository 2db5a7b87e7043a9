// Short messages at the foot of the screen, read out politely. A tap removes one; so does time.

import { texts } from "../texts.js";
import { button, h } from "./dom.js";

const SHOWN_FOR = 7_000;
let place = null;

/** `kind`: info, good or bad. */
export function toast(message, kind = "info") {
  place ??= document.body.appendChild(h("div", { class: "toasts", role: "status", aria: { live: "polite" } }));
  const remove = () => element.remove();
  const element = button("toast", remove, { data: { kind }, title: texts.problem.close }, message);
  place.append(element);
  while (place.children.length > 3) place.firstElementChild.remove();
  setTimeout(remove, SHOWN_FOR);
}
