// wire.md §2: sign-in, close codes, goaway; back-off with full jitter; tokens renewed before they expire.

import assert from "node:assert/strict";
import test from "node:test";
import { Backoff } from "../../clients/js/backoff.js";
import { HubProblem } from "../../clients/js/problem.js";
import { START, harness, settle } from "./fakes.mjs";

test("the n-th wait is uniform between 0 and min(cap, base × 2ⁿ)", () => {
  let value = 0;
  const backoff = new Backoff({ base: 100, cap: 1000, random: () => value });
  const ceilings = [100, 200, 400, 800, 1000, 1000];
  for (const draw of [0, 0.25, 0.999]) {
    value = draw;
    backoff.reset();
    assert.deepEqual(ceilings.map(() => backoff.next()), ceilings.map((ceiling) => ceiling * draw));
  }
});

test("waits grow from failure to failure, and only a heartbeat sets them back", async () => {
  const world = harness({ backoff: { base: 1000, cap: 60_000 }, subscribe: false });
  world.hub.connect();
  await settle();
  const waits = [];
  for (let round = 0; round < 4; round += 1) {
    world.socket.accept();
    world.socket.say({ type: "welcome", heartbeat: 10, user: { id: "u" }, expires: null });
    world.socket.end(1011);
    const count = world.sockets.length;
    const before = world.environment.time;
    while (world.sockets.length === count) await world.environment.advance(100);
    waits.push(world.environment.time - before);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000]);
  await world.welcome();
  world.heartbeat();
  world.socket.end(1011);
  await world.environment.advance(500);
  assert.equal(world.sockets.length, 6);
});

const RETRIED = [1001, 1006, 1008, 1011, 1012, 1013, 4408, 4409, 4429];
for (const code of RETRIED) {
  test(`close ${code} is retried with back-off`, async () => {
    const world = await harness().live();
    world.socket.end(code);
    assert.equal(world.hub.state, "waiting");
    await world.environment.advance(60_000);
    assert.ok(world.sockets.length > 1);
  });
}

for (const [code, reason] of [[4400, "bad_messages"], [4401, "signed_out"], [4403, "forbidden"], [4404, "not_found"]]) {
  test(`close ${code} is not retried as it is: ${reason}, stale, unanswered commands rejected`, async () => {
    const world = await harness().live();
    const command = world.hub.command("POST", "/api/v1/orders", {});
    world.socket.end(code);
    await assert.rejects(command, { code: "closed", uncertain: true });
    await world.environment.advance(600_000);
    assert.equal(world.sockets.length, 1);
    assert.equal(world.hub.state, "closed");
    assert.deepEqual([world.hub.status().stale, world.hub.status().reason], [true, reason]);
    assert.equal(world.seen.errors.length, 1);
  });
}

test("4401 with a token that can be renewed: one new token, one new try", async () => {
  const asked = [];
  const world = await harness({
    token: async (request) => {
      asked.push(request);
      return request.renew ? "token-2" : "token-1";
    },
  }).live({ offset: 3 });
  world.socket.end(4401);
  await world.environment.advance(1000);
  assert.deepEqual(asked[1], { renew: true, refused: "token-1" });
  assert.equal(world.sockets.length, 2);
});

test("a hub that refuses every new token is not asked for ever", async () => {
  let count = 0;
  const world = harness({ token: () => `token-${(count += 1)}` });
  world.hub.connect();
  await settle();
  for (let round = 0; round < 10 && world.hub.state !== "closed"; round += 1) {
    world.socket.accept();
    world.socket.end(4401);
    await world.environment.advance(5_000);
  }
  assert.equal(world.hub.status().reason, "signed_out");
  assert.equal(world.sockets.length, 3);
});

test("a token source that says the session is over ends it; one without a network is tried again", async () => {
  for (const [status, state] of [[401, "closed"], [503, "waiting"]]) {
    const world = harness({ token: () => Promise.reject(new HubProblem(status, {})) });
    world.hub.connect();
    await settle();
    assert.equal(world.hub.state, state);
  }
});

test("after a failed handshake the next try signs in by message, so that a refusal shows as a close code", async () => {
  const world = harness();
  world.hub.connect();
  await settle();
  world.socket.end(1006);
  await world.environment.advance(1000);
  assert.deepEqual(world.socket.protocols, ["hub.v1"]);
  await world.welcome({ user: null });
  assert.equal(world.socket.last("auth").token, "token-1");
  assert.equal(world.socket.of("subscribe").length, 0);
  const { id } = world.socket.last("auth");
  world.socket.say({ type: "welcome", id, epoch: "e1", heartbeat: 10, user: { id: "u" }, expires: null });
  assert.equal(world.socket.of("subscribe").length, 1);
});

test("goaway: back exactly after the seconds that the hub drew, whatever the jitter", async () => {
  const world = await harness().live();
  world.environment.randomValue = 0;
  world.socket.say({ type: "goaway", reason: "drain", reconnect: 1.7 });
  world.socket.end(1012);
  world.hub.retryNow();
  await world.environment.advance(1699);
  assert.equal(world.sockets.length, 1);
  await world.environment.advance(1);
  assert.equal(world.sockets.length, 2);
});

test("goaway without a close: the client leaves by itself when the time has come", async () => {
  const world = await harness().live();
  world.socket.say({ type: "goaway", reason: "drain", reconnect: 1 });
  await world.environment.advance(1001);
  assert.notEqual(world.sockets[0].closedWith, null);
  assert.equal(world.sockets.length, 2);
});

test("a handshake or a welcome that never comes is given up after ten seconds", async () => {
  for (const opens of [false, true]) {
    const world = harness();
    world.hub.connect();
    await settle();
    if (opens) world.socket.accept();
    await world.environment.advance(10_000);
    await world.environment.advance(1000);
    assert.equal(world.sockets.length, 2);
  }
});

test("retryNow skips the wait", async () => {
  const world = await harness().live();
  world.environment.randomValue = 0.99;
  world.socket.end(1006);
  world.hub.retryNow();
  await settle();
  assert.equal(world.sockets.length, 2);
});

test("the token is replaced over `auth` a minute before it expires, and subscriptions stay", async () => {
  let count = 0;
  const world = harness({ token: () => `token-${(count += 1)}` });
  world.hub.connect();
  await world.welcome({ expires: new Date(START + 900_000).toISOString() });
  await world.subscribed();
  for (let passed = 0; passed < 830_000; passed += 10_000) {
    await world.environment.advance(10_000);
    world.heartbeat();
  }
  assert.equal(world.socket.of("auth").length, 0);
  await world.environment.advance(10_000);
  world.heartbeat();
  assert.deepEqual(world.socket.of("auth").map(({ token }) => token), ["token-2"]);
  const { id } = world.socket.last("auth");
  world.socket.say({ type: "welcome", id, epoch: "e1", heartbeat: 10, user: { id: "u" },
    expires: world.serverTime(world.environment.time + 900_000) });
  await world.environment.advance(5000);
  assert.equal(world.sockets.length, 1);
  assert.equal(world.socket.of("subscribe").length, 1);
  assert.equal(world.hub.status().live, true);
});

test("what a newer hub says besides is ignored, and so is what nobody can read", async () => {
  const world = await harness().live({ offset: 1 });
  const strange = [{ type: "sparkle", channel: "x" }, "{", "null", "7", { type: "event", channel: "x:1", offset: 9 }];
  for (const text of strange) world.socket.say(text);
  world.event(2);
  assert.deepEqual(world.seen.events, [2]);
});
