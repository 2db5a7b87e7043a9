// How far the screen may be believed, in words and colours: the pill in the bar, and the banner that nobody can
// overlook. It shows what clients/js says (hub.status()); it decides nothing.

import { texts } from "../texts.js";
import { button, h, setData, setShown, setText } from "./dom.js";
import { clock } from "./format.js";

const HOPELESS = new Set(["signed_out", "forbidden", "not_found", "bad_messages", "unsubscribed", "misuse"]);

/** Puts the banner on top of the page and fills `pill`; returns `refresh`, to be called once a second. */
export function showStatus(hub, { pill, advice, zone, signOut }) {
  const words = h("strong", { class: "pill-word" });
  const time = h("span", { class: "pill-time" });
  pill.replaceChildren(
    h("span", { class: "pill-light", aria: { hidden: "true" } }),
    h("span", { class: "pill-text" }, words, " ", time));
  const title = h("strong", { class: "stale-title" });
  const since = h("span", { class: "stale-since" });
  const why = h("span", { class: "stale-why" });
  const action = button("button stale-action", null, { hidden: true });
  const text = h("div", { class: "stale-text", role: "alert" });
  const waiting = h("span", { class: "stale-waiting" });
  const banner = h("div", { class: "stale-banner", id: "stale", hidden: true }, text, waiting, action);
  const voice = h("div", { class: "visually-hidden", role: "status" });
  document.body.prepend(banner, voice);
  let wasStale = false;

  function refresh() {
    const status = hub.status();
    const state = status.stale ? "stale" : status.live ? "live" : "waiting";
    setData(document.documentElement, "live", state);
    setData(pill, "state", state);
    const asOf = status.asOf && clock(status.asOf, { zone: zone(), language: texts.language });
    const absent = status.stale ? texts.status.stale : texts.status[status.reason] ?? "";
    setText(words, status.live ? texts.status.live : absent);
    setText(time, asOf ? texts.status.asOf(asOf) : "");
    showBanner(status, asOf);
  }

  function showBanner(status, asOf) {
    setShown(banner, status.stale);
    setText(waiting, status.waiting > 0 ? texts.status.waiting(status.waiting) : "");
    if (status.stale) {
      setText(title, texts.status.staleTitle);
      setText(since, asOf ? texts.status.staleSince(asOf) : texts.status.staleNever);
      setText(why, `${texts.status.reasons[status.reason] ?? ""} ${advice}`);
      // The words go into the alert when it is on the page, so that it is read out, and stay untouched after.
      if (!wasStale) text.replaceChildren(title, " ", since, " ", why);
      showAction(status.reason);
    } else if (wasStale) {
      text.replaceChildren();
      setText(voice, texts.status.back);
    }
    if (status.stale) setText(voice, "");
    wasStale = status.stale;
  }

  function showAction(reason) {
    setShown(action, HOPELESS.has(reason));
    setText(action, reason === "signed_out" ? texts.status.signInAgain : texts.status.reload);
    action.onclick = reason === "signed_out" ? signOut : () => location.reload();
  }

  hub.on("status", refresh);
  refresh();
  return refresh;
}

/** What a browser knows about network and sleep, told to the client. */
export function watchDevice(hub) {
  addEventListener("online", () => hub.check());
  addEventListener("pageshow", () => hub.check());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hub.check());
}
