// wire.md §2, `command` and `seen`: answered once, sent again with the same key, receipts at their pace.

import assert from "node:assert/strict";
import test from "node:test";
import { CHANNEL, harness, settle } from "./fakes.mjs";

async function reconnect(world, offset = 0) {
  world.socket.end(1006);
  await world.environment.advance(1000);
  await world.welcome();
  await world.subscribed({ offset, recovered: true });
}

test("a command resolves with the reply's status, body and offsets", async () => {
  const world = await harness().live();
  const command = world.hub.command("POST", "/api/v1/tickets/t/bump", { version: 3 }, { key: "mine" });
  const sent = world.socket.last("command");
  const { id, ...rest } = sent;
  const path = "/api/v1/tickets/t/bump";
  assert.deepEqual(rest, { type: "command", method: "POST", path, body: { version: 3 }, key: "mine" });
  world.socket.say({ type: "reply", id, status: 200, body: { id: "t" }, offsets: { [CHANNEL]: 1 } });
  assert.deepEqual(await command, { status: 200, body: { id: "t" }, offsets: { [CHANNEL]: 1 } });
});

test("a key is made when none is given, another for each command, and none for reading", async () => {
  const world = await harness().live();
  for (const method of ["POST", "POST", "GET"]) world.hub.command(method, "/api/v1/x").catch(() => {});
  const [first, second, reading] = world.socket.of("command");
  assert.ok(first.key && second.key && first.key !== second.key);
  assert.ok(!("key" in reading));
});

test("a problem document rejects with its code, faults and status, and is certain", async () => {
  const world = await harness().live();
  const command = world.hub.command("POST", "/api/v1/orders", {});
  const errors = [{ field: "items[0].quantity", code: "invalid_quantity", detail: "At least 1" }];
  world.socket.say({ type: "reply", id: world.socket.last("command").id, status: 422,
    body: { title: "Refused", status: 422, code: "invalid_order", detail: "The order is not right", errors } });
  await assert.rejects(command, { name: "HubProblem", status: 422, code: "invalid_order", errors, uncertain: false });
});

test("an unanswered command is sent again after a reconnection, with the same key, in the same order", async () => {
  const world = await harness().live();
  const commands = ["a", "b"].map((path) => world.hub.command("POST", path));
  const before = world.socket.of("command");
  await reconnect(world);
  const after = world.socket.of("command");
  assert.deepEqual(after.map(({ key, path }) => [key, path]), before.map(({ key, path }) => [key, path]));
  for (const { id } of after) world.socket.say({ type: "reply", id, status: 200, body: {} });
  await Promise.all(commands);
  await reconnect(world);
  assert.equal(world.socket.of("command").length, 0, "an answered one is not");
});

test("a command given while there is no connection waits for the next", async () => {
  const world = await harness().live();
  world.socket.end(1006);
  world.hub.command("POST", "a").catch(() => {});
  assert.equal(world.hub.unanswered, 1);
  await world.environment.advance(1000);
  assert.equal(world.socket.of("command").length, 0);
  await world.welcome();
  assert.equal(world.socket.of("command").length, 1);
});

test("idempotency_in_progress is asked again with the same key until the first copy has its answer", async () => {
  const world = await harness().live();
  const command = world.hub.command("POST", "a");
  await reconnect(world);
  const [{ id, key }] = world.socket.of("command");
  world.socket.say({ type: "reply", id, status: 409, body: { code: "idempotency_in_progress" } });
  await world.environment.advance(1000);
  assert.deepEqual(world.socket.of("command").map((sent) => sent.key), [key, key]);
  world.socket.say({ type: "reply", id, status: 201, body: { id: "order" } });
  assert.equal((await command).status, 201);
});

test("a command refused for an expired token is sent again after one renewal", async () => {
  let count = 0;
  const world = await harness({ token: () => `token-${(count += 1)}` }).live();
  const command = world.hub.command("POST", "a");
  const { id, key } = world.socket.last("command");
  world.socket.say({ type: "reply", id, status: 401, body: { code: "token_expired" } });
  await settle();
  const auth = world.socket.last("auth");
  world.socket.say({ type: "welcome", id: auth.id, heartbeat: 10, user: { id: "u" }, expires: null });
  await settle();
  assert.deepEqual(world.socket.of("command").map((sent) => sent.key), [key, key]);
  world.socket.say({ type: "reply", id, status: 401, body: { code: "token_expired" } });
  await assert.rejects(command, { status: 401 });
});

test("a time limit makes it uncertain, and it is not sent again", async () => {
  const world = await harness().live();
  const command = world.hub.command("POST", "a", null, { timeout: 5000 });
  const refused = assert.rejects(command, { code: "timeout", uncertain: true });
  await world.environment.advance(5000);
  await refused;
  await reconnect(world);
  assert.equal(world.socket.of("command").length, 0);
});

test("an `error` that names a command rejects it", async () => {
  const world = await harness().live();
  const command = world.hub.command("POST", "a");
  const { id } = world.socket.last("command");
  world.socket.say({ type: "error", id, code: "bad_message", status: 400, detail: "no" });
  await assert.rejects(command, { code: "bad_message", status: 400 });
});

test("arrived(offsets) resolves exactly when the channel has come that far, by event or by snapshot", async () => {
  const world = await harness().live({ offset: 4 });
  const log = [];
  world.hub.arrived({ [CHANNEL]: 4, "pos:not-followed": 9 }).then(() => log.push("old"));
  world.hub.arrived({ [CHANNEL]: 6 }).then(() => log.push("six"));
  world.hub.arrived({ [CHANNEL]: 90 }).then(() => log.push("ninety"));
  await settle();
  assert.deepEqual(log, ["old"]);
  world.event(5);
  await settle();
  assert.deepEqual(log, ["old"]);
  world.event(6);
  await settle();
  assert.deepEqual(log, ["old", "six"]);
  world.socket.end(1006);
  await world.environment.advance(1000);
  await world.welcome();
  await world.subscribed({ offset: 95 });
  assert.deepEqual(log, ["old", "six", "ninety"]);
});

test("receipts are at most four in any second, cumulative, and the newest is never lost", async () => {
  const world = await harness().live();
  const times = [];
  for (let offset = 1; offset <= 500; offset += 1) {
    const before = world.socket.of("seen").length;
    world.subscription.seen(offset, "shown");
    await world.environment.advance(10);
    for (let sent = before; sent < world.socket.of("seen").length; sent += 1) times.push(world.environment.time);
  }
  await world.environment.advance(1000);
  for (const time of times) assert.ok(times.filter((other) => other >= time && other < time + 1000).length <= 4);
  const offsets = world.socket.of("seen").map(({ offset }) => offset);
  assert.deepEqual(offsets, [...offsets].sort((a, b) => a - b));
  assert.equal(offsets.at(-1), 500);
  assert.ok(times.length >= 15, "and not fewer than the rate allows");
});

test("an accepted receipt makes a shown one of the same offset needless, not a later one", async () => {
  const world = await harness().live();
  world.subscription.seen(1, "received");
  world.subscription.seen(5, "shown");
  world.subscription.seen(5, "accepted");
  world.subscription.seen(7, "shown");
  world.subscription.seen(6, "shown");
  await world.environment.advance(2000);
  const sent = world.socket.of("seen").map(({ offset, level }) => `${level} ${offset}`);
  assert.deepEqual(sent, ["received 1", "accepted 5", "shown 7"]);
});

test("what a higher level covers is not told besides", async () => {
  const world = await harness().live();
  world.subscription.seen(1, "received");
  world.subscription.seen(5, "shown");
  world.subscription.seen(5, "accepted");
  await world.environment.advance(2000);
  const sent = world.socket.of("seen").map(({ offset, level }) => `${level} ${offset}`);
  assert.deepEqual(sent, ["received 1", "accepted 5"]);
});

test("receipts told on a connection that broke are told again, since it may have taken them along", async () => {
  const world = await harness().live({ offset: 3 });
  world.subscription.seen(3, "shown");
  assert.equal(world.socket.of("seen").length, 1);
  await reconnect(world, 3);
  assert.deepEqual(world.socket.of("seen").map(({ offset, level }) => [offset, level]), [[3, "shown"]]);
});

test("receipts wait for the connection and are told again on a new one", async () => {
  const world = await harness().live({ offset: 3 });
  world.subscription.seen(3, "shown");
  world.socket.end(1006);
  world.subscription.seen(3, "accepted");
  await world.environment.advance(1000);
  await world.welcome();
  assert.equal(world.socket.of("seen").length, 0);
  await world.subscribed({ offset: 3, recovered: true });
  assert.deepEqual(world.socket.of("seen").map(({ level }) => level), ["accepted"]);
});
