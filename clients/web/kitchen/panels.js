// The two panels over the board: what can be recalled, and the keys with the meaning of the colours.

import { button, h, setText } from "../shared/dom.js";
import { clock } from "../shared/format.js";
import { texts } from "../texts.js";
import { nameOf } from "./card.js";

const words = texts.kitchen;

function panel(name, title, lead) {
  const body = h("div", { class: "dialog-body" });
  const close = button("button", () => dialog.close(), {}, words.close);
  const heading = h("div", {}, h("h2", { id: `${name}-title` }, title), lead && h("p", { class: "lead" }, lead));
  const dialog = h("dialog", { class: `panel ${name}`, aria: { labelledby: `${name}-title` } },
    h("div", { class: "dialog-head" }, heading, close), body);
  // A tap beside the panel closes it.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  return { dialog, body };
}

/** The list of bumped tickets; `onRecall(id)` when one is chosen. */
export function recallPanel(model, onRecall, zone) {
  const { dialog, body } = panel("recall", words.recallTitle, words.recallLead);

  function open(station) {
    const tickets = model.recallable(station);
    body.replaceChildren(tickets.length === 0
      ? h("p", { class: "panel-empty" }, words.recallEmpty)
      : h("ul", { class: "recall-list" }, ...tickets.map((ticket) => h("li", {}, rowOf(ticket)))));
    dialog.showModal();
    body.querySelector("button")?.focus();
  }

  function rowOf(ticket) {
    const at = ticket.served_at ?? ticket.ready_at;
    const time = at ? words.recallAt(clock(new Date(at), { zone: zone(), language: texts.language })) : "";
    const items = ticket.items.map(({ quantity, name }) => `${quantity} × ${name}`).join(", ");
    const recall = () => {
      dialog.close();
      onRecall(ticket.id);
    };
    return button("recall-row", recall, { data: { ticket: ticket.id } },
      h("span", { class: "recall-name" }, nameOf(ticket)),
      h("span", { class: "recall-state", data: { status: ticket.status } }, words.state[ticket.status]),
      h("span", { class: "recall-items" }, items),
      h("span", { class: "recall-time number" }, `${ticket.station ?? ""} ${time}`.trim()));
  }
  return { open, dialog };
}

/** Keys, colours, who is signed in. */
export function helpPanel(model, user, signOut) {
  const { dialog, body } = panel("help", words.helpTitle);
  const signs = h("ul", { class: "signs" });
  const who = h("p", {});
  const keys = words.keys.flatMap(([key, meaning]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, meaning)]);
  const leave = button("button", signOut, {}, texts.signIn.signOut);
  body.append(h("dl", { class: "keys" }, ...keys), signs, h("div", { class: "who" }, who, leave));

  function open() {
    const { amber_seconds: amber, red_seconds: red } = model.thresholds;
    const rows = words.signs(Math.round(amber / 60), Math.round(red / 60));
    const colour = (kind) => h("span", { class: "sign", data: { kind } });
    signs.replaceChildren(...rows.map(([kind, text]) => h("li", {}, colour(kind), text)));
    setText(who, texts.signIn.signedInAs(user.name ?? user.email));
    dialog.showModal();
  }
  return { open, dialog };
}
