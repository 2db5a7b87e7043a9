// wire.md §5 from the client's side: problems as errors, offsets from the header, tokens rotated one at a time.

import assert from "node:assert/strict";
import test from "node:test";
import { Rest, Session, parseOffsets } from "../../clients/js/rest.js";

function fakeFetch(answer) {
  const calls = [];
  const fetch = async (url, options) => {
    calls.push({ url, ...options, body: options.body && JSON.parse(options.body) });
    const { status = 200, body = {}, headers = {} } = await answer(calls.at(-1), calls.length);
    return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
  };
  return { calls, fetch };
}

function storage(values = {}) {
  const map = new Map(Object.entries(values));
  return { map, getItem: (key) => map.get(key) ?? null, setItem: (key, value) => map.set(key, value),
    removeItem: (key) => map.delete(key) };
}

const tokens = (number, expires = 900) => ({
  access_token: `access-${number}`, refresh_token: `refresh-${number}`, expires_in: expires,
  user: { id: "u", name: "Ada" },
});

test("a request carries token, key and body, and gives status, body and offsets", async () => {
  const offsets = { "Hub-Offsets": "pos:a=4, kitchen:b=5" };
  const { calls, fetch } = fakeFetch(() => ({ status: 201, body: { id: "o" }, headers: offsets }));
  const rest = new Rest({ base: "http://hub", fetch, token: () => "t" });
  const answer = await rest.post("/api/v1/orders", { x: 1 }, { key: "k" });
  assert.deepEqual([answer.status, answer.body, answer.offsets], [201, { id: "o" }, { "pos:a": 4, "kitchen:b": 5 }]);
  const [{ url, method, headers, body }] = calls;
  assert.deepEqual([url, method, body], ["http://hub/api/v1/orders", "POST", { x: 1 }]);
  assert.deepEqual([headers.Authorization, headers["Idempotency-Key"]], ["Bearer t", "k"]);
});

test("a problem document and a missing network are different errors", async () => {
  const { fetch } = fakeFetch(() => ({ status: 422, body: { code: "closed", detail: "Closed" } }));
  const problem = new Rest({ fetch });
  await assert.rejects(problem.get("/x"), { name: "HubProblem", status: 422, code: "closed", uncertain: false });
  const nothing = new Rest({ fetch: () => Promise.reject(new TypeError("failed")) });
  await assert.rejects(nothing.get("/x"), { name: "HubError", code: "network", uncertain: true });
});

test("offsets of nonsense are left out", () => {
  assert.deepEqual(parseOffsets("a:1=2,, b:2=x ,=3, c:3=9"), { "a:1": 2, "c:3": 9 });
  assert.deepEqual(parseOffsets(null), {});
});

test("a sign-in is kept in the storage and taken up again from there", async () => {
  const place = storage();
  const { fetch } = fakeFetch(() => ({ body: tokens(1) }));
  await new Session({ storage: place, fetch }).login("a@b", "secret");
  const again = new Session({ storage: place, fetch });
  assert.equal(again.user.name, "Ada");
  assert.equal(await again.token(), "access-1");
  assert.ok(![...place.map.values()].join().includes("secret"));
});

test("two wishes for a new token are one refresh: a reused refresh token would end the session", async () => {
  const { calls, fetch } = fakeFetch((_, count) => ({ body: tokens(count) }));
  const session = new Session({ fetch });
  await session.login("a@b", "c");
  const answers = await Promise.all([session.token({ renew: true }), session.token({ renew: true })]);
  assert.deepEqual(answers, ["access-2", "access-2"]);
  assert.deepEqual(calls.slice(1).map(({ body }) => body), [{ refresh_token: "refresh-1" }]);
  assert.equal(await session.token({ renew: true, refused: "access-1" }), "access-2", "already replaced");
});

test("a token near its end is renewed before it is handed out", async () => {
  let time = 0;
  const { fetch } = fakeFetch((_, count) => ({ body: tokens(count) }));
  const session = new Session({ fetch, environment: { wall: () => time } });
  await session.login("a@b", "c");
  time = 869_000;
  assert.equal(await session.token(), "access-1");
  time = 871_000;
  assert.equal(await session.token(), "access-2");
});

test("a refused refresh ends the session; one without an answer does not", async () => {
  for (const [status, code, isSignedIn] of [[401, "signed_out", false], [503, "http_503", true]]) {
    const { fetch } = fakeFetch(({ url }) => (url.endsWith("login") ? { body: tokens(1) } : { status }));
    const session = new Session({ fetch });
    await session.login("a@b", "c");
    await assert.rejects(session.token({ renew: true }), { code });
    assert.equal(session.isSignedIn, isSignedIn);
  }
});

test("signing out forgets the tokens even when the hub is away", async () => {
  const place = storage();
  const { fetch } = fakeFetch(({ url }) => (url.endsWith("login") ? { body: tokens(1) } : { status: 503 }));
  const session = new Session({ storage: place, fetch });
  await session.login("a@b", "c");
  await session.logout();
  assert.deepEqual([session.isSignedIn, place.map.size], [false, 0]);
  await assert.rejects(session.token(), { code: "signed_out" });
});
