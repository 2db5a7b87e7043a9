// One on- or off-ramp, followed live: `/ramp?ramp=ID#token=…`. The token is taken from the fragment alone, which a
// browser never sends to a server; it opens this one ramp and nothing else.

import { Hub } from "../../js/hub.js";
import { h, onFrame, reconcile, setData, setText } from "../shared/dom.js";
import { clock } from "../shared/format.js";
import { socketAddress } from "../shared/sign-in.js";
import { showStatus, watchDevice } from "../shared/status.js";
import { texts } from "../texts.js";

const words = texts.ramp;
const app = document.getElementById("app");
const ramp = new URLSearchParams(location.search).get("ramp");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

function run() {
  const hub = new Hub({ url: socketAddress(), token });
  let state = null; // { id, phase, updated_at }
  const changes = []; // newest first

  const pill = h("div", { class: "pill" });
  const phase = h("p", { class: "phase", aria: { live: "polite" } });
  const since = h("p", { class: "phase-since number" });
  const steps = h("ol", { class: "route" });
  const history = h("ol", { class: "history" });
  const historyPlace = h("section", { hidden: true }, h("h2", {}, words.history), history);
  const heading = h("div", {}, h("h1", {}, words.title), h("p", {}, words.lead));
  app.replaceChildren(h("main", { class: "ramp" },
    h("header", { class: "ramp-head" }, heading, pill),
    h("section", { class: "now" }, phase, since), steps, historyPlace));
  const refreshStatus = showStatus(hub, {
    pill, advice: words.staleAdvice, zone: () => undefined, signOut: () => location.reload(),
  });
  const timeOf = (time) => clock(new Date(time), { language: texts.language });
  const nameOf = (name) => words.phases[name] ?? name.replaceAll("_", " ");

  const render = onFrame(() => {
    if (!state) return;
    setText(phase, nameOf(state.phase));
    setData(phase, "phase", state.phase);
    setText(since, state.updated_at ? words.changed(timeOf(state.updated_at)) : "");
    const place = words.steps.indexOf(state.phase);
    reconcile(steps, words.steps, (step) => step, (step) => h("li", {}, nameOf(step)), (element, step) => {
      const index = words.steps.indexOf(step);
      const isDone = index < place || state.phase === "completed";
      setData(element, "state", isDone ? "done" : index === place ? "now" : "later");
      if (index === place) element.setAttribute("aria-current", "step");
      else element.removeAttribute("aria-current");
    });
    historyPlace.hidden = changes.length === 0;
    reconcile(history, changes, ({ offset }) => offset, ({ name, at }) => h("li", {},
      h("span", { class: "number" }, timeOf(at)), h("span", {}, nameOf(name))));
  });

  hub.subscribe(`ramp:${ramp}`, {
    onSnapshot(document) {
      state = document;
      render();
    },
    onEvent({ offset, at, data }) {
      if (typeof data?.phase !== "string") return;
      state = { ...state, ...data };
      changes.unshift({ offset, at, name: data.phase });
      render();
    },
  });
  watchDevice(hub);
  setInterval(refreshStatus, 1000);
  hub.connect();
}

addEventListener("hashchange", () => location.reload());
if (ramp && token) run();
else app.replaceChildren(h("p", { class: "nothing" }, words.missing));
