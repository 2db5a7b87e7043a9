// The hub's front door: what is here, whether it is well, and sign-in for the screens of this tab.

import { Rest } from "../../js/rest.js";
import { button, h, setData, setText } from "../shared/dom.js";
import { session, signInForm } from "../shared/sign-in.js";
import { texts } from "../texts.js";

const words = texts.index;
const app = document.getElementById("app");

function card(name, href, [title, text]) {
  const inside = [h("strong", {}, title), h("span", {}, text)];
  const door = href ? h("a", { class: "door", href, data: { door: name } }) : h("div", { class: "door closed" });
  door.append(...inside);
  return h("li", {}, door);
}

function person(place) {
  if (!session.isSignedIn) {
    place.replaceChildren(signInForm(texts.signIn.lead.index, "", () => person(place)));
    return;
  }
  const signOut = button("button", async () => {
    await session.logout();
    person(place);
  }, {}, texts.signIn.signOut);
  const { name, email } = session.user;
  const who = h("p", {}, texts.signIn.signedInAs(name ?? email), h("br", {}), h("span", {}, email));
  place.replaceChildren(h("div", { class: "signed-in" }, who, signOut));
}

async function health(element) {
  setText(element, words.checking);
  const answer = await new Rest().get("/ready").catch((error) => error);
  const state = answer.status === 200 ? "ready" : answer.status ? "notReady" : "unreachable";
  setText(element, words[state]);
  setData(element, "state", state);
}

const state = h("p", { class: "health", role: "status" });
const place = h("section", { class: "person", aria: { label: texts.signIn.title } });
const logo = h("img", { src: "/clients/web/icon.svg", alt: "", width: "72", height: "72" });
const doors = h("ul", { class: "doors" },
  card("kitchen", "/kitchen", words.kitchen), card("till", "/till", words.till), card("ramp", null, words.ramp));
app.replaceChildren(h("main", { class: "front" },
  h("header", {}, logo, h("h1", {}, words.title), h("p", { class: "lead" }, words.lead), state),
  h("div", { class: "halves" }, doors, place)));
person(place);
health(state);
