// The till's three questions: wishes for a line, a note for the order, why an order is cancelled.

import { button, h, setShown } from "../shared/dom.js";
import { texts } from "../texts.js";

const words = texts.till;

function dialogWith(name, title, ...children) {
  const close = button("button", () => dialog.close(), {}, texts.problem.close);
  const dialog = h("dialog", { class: name, aria: { labelledby: `${name}-title` } },
    h("div", { class: "dialog-head" }, h("h2", { id: `${name}-title` }, title), close),
    h("div", { class: "dialog-body" }, ...children));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function line(name, value, length) {
  return h("input", { name, value, maxlength: String(length), autocomplete: "off" });
}

function labelled(text, input) {
  return h("label", { class: "field" }, h("span", {}, text), input);
}

/** Changes and a note for one line; `done({modifiers, note})`, or `remove()`. */
export function askWishes({ product, modifiers, note }, { done, remove }) {
  const chosen = new Set(modifiers);
  const choices = [...new Set([...words.quick, ...modifiers])].map((text) => {
    const choice = button("button choice", () => {
      if (!chosen.delete(text)) chosen.add(text);
      choice.setAttribute("aria-pressed", String(chosen.has(text)));
    }, { aria: { pressed: String(chosen.has(text)) } }, text);
    return choice;
  });
  const field = line("note", note, 200);
  const leave = () => {
    dialog.close();
    remove();
  };
  const form = h("form", { method: "dialog", class: "wishes" },
    h("div", { class: "choices", role: "group", aria: { label: words.quickLabel } }, ...choices),
    labelled(words.lineNote, field),
    h("div", { class: "dialog-buttons" },
      button("button danger", leave, {}, words.remove),
      h("button", { class: "button primary", type: "submit" }, words.done)));
  form.addEventListener("submit", () => done({ modifiers: [...chosen], note: field.value.trim() }));
  const dialog = dialogWith("wishes-dialog", product.name, form);
}

/** A note for the whole order; `done(text)`. */
export function askNote(text, done) {
  const field = line("order-note", text, 300);
  field.setAttribute("aria-label", words.orderNote);
  const form = h("form", { method: "dialog", class: "wishes" }, field,
    h("div", { class: "dialog-buttons" }, h("span", {}),
      h("button", { class: "button primary", type: "submit" }, words.done)));
  form.addEventListener("submit", () => done(field.value.trim()));
  dialogWith("note-dialog", words.orderNote, form);
  field.focus();
}

/** Why an order is cancelled; `done(reason)`. */
export function askReason(number, done) {
  const other = line("reason", "", 200);
  const submit = h("button", { class: "button danger filled", type: "submit", hidden: true }, words.cancelSubmit);
  other.addEventListener("input", () => setShown(submit, other.value.trim() !== ""));
  const choose = (reason) => {
    dialog.close();
    done(reason);
  };
  const reasons = words.cancelReasons.map((reason) => button("button choice", () => choose(reason), {}, reason));
  const form = h("form", { class: "wishes" },
    h("p", {}, words.cancelLead),
    h("div", { class: "choices" }, ...reasons),
    labelled(words.cancelOther, other),
    h("div", { class: "dialog-buttons" }, button("button", () => dialog.close(), {}, words.cancelKeep), submit));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (other.value.trim()) choose(other.value.trim());
  });
  const dialog = dialogWith("cancel-dialog", words.cancelTitle(number), form);
}
