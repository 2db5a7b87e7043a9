// The sign-in form, and how a page gets from nobody to a session with a restaurant. Tokens stay in
// sessionStorage: a closed tab is a signed-out screen.

import { HubError } from "../../js/hub.js";
import { Rest, Session } from "../../js/rest.js";
import { texts } from "../texts.js";
import { h, setShown, setText } from "./dom.js";

/** The session of this tab. */
export const session = new Session({ storage: sessionStorage });

/** Requests as the person who is signed in. */
export const rest = new Rest({ token: () => session.token() });

/** The hub's socket, on the same host as the page. */
export function socketAddress() {
  const address = new URL("/ws", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** Resolves when somebody is signed in, showing the form in `place` for as long as nobody is. */
export function signedIn(place, lead, message = "") {
  if (session.isSignedIn) return Promise.resolve(session.user);
  return new Promise((resolve) => {
    const form = signInForm(lead, message, (user) => {
      place.replaceChildren();
      resolve(user);
    });
    place.replaceChildren(h("div", { class: "sign-in-place" }, form));
    form.elements.email.focus();
  });
}

/** The form by itself; `done(user)` after success. */
export function signInForm(lead, message, done) {
  const words = texts.signIn;
  const error = h("p", { class: "field-error", role: "alert", hidden: !message }, message);
  const submit = h("button", { class: "button primary", type: "submit" }, words.submit);
  const field = (name, label, type, autocomplete) => h("label", { class: "field" }, h("span", {}, label),
    h("input", { name, type, autocomplete, required: true, autocapitalize: "none", spellcheck: "false" }));
  const form = h("form", { class: "sign-in", onsubmit: (event) => signIn(event) },
    h("img", { src: "/clients/web/icon.svg", alt: "", width: "56", height: "56" }),
    h("h1", {}, words.title, h("small", {}, lead)),
    field("email", words.email, "email", "username"),
    field("password", words.password, "password", "current-password"), error, submit);

  async function signIn(event) {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    setText(submit, words.busy);
    setShown(error, false);
    try {
      done(await session.login(form.elements.email.value.trim(), form.elements.password.value));
    } catch (problem) {
      setText(error, explainSignIn(problem));
      setShown(error, true);
      form.elements.password.select();
    } finally {
      submit.disabled = false;
      setText(submit, words.submit);
    }
  }
  return form;
}

function explainSignIn(problem) {
  if (problem instanceof HubError) return texts.signIn.unreachable;
  if (problem.status === 401 || problem.status === 422 || problem.status === 400) return texts.signIn.wrong;
  if (problem.status === 429) return texts.signIn.tooMany;
  return problem.message;
}

/** The restaurant that this page is about: `?restaurant=`, else the person's first, else the hub's first. */
export async function restaurantOf(user) {
  const asked = new URLSearchParams(location.search).get("restaurant");
  if (asked) return asked;
  if (user.restaurants?.length > 0) return user.restaurants[0];
  const { body } = await rest.get("/api/v1/restaurants?limit=1");
  return body.items[0]?.id ?? null;
}
