// wire.md §2, «heartbeat»: a screen without one for two periods, or whose `fresh` is older than that, or whose own
// offset stays behind a head, must call itself stale. Each rule on its own, at its edge, and its way back.

import assert from "node:assert/strict";
import test from "node:test";
import { CHANNEL, START, harness } from "./fakes.mjs";

async function beating(world, milliseconds, heartbeat = {}) {
  for (let passed = 0; passed < milliseconds; passed += 10_000) {
    await world.environment.advance(10_000);
    world.heartbeat(heartbeat);
  }
}

test("subscribed and hearing heartbeats is live, for as long as they come", async () => {
  const world = await harness().live();
  await beating(world, 120_000);
  assert.equal(world.hub.status().live, true);
  assert.equal(world.hub.counters.stale, 0);
});

test("not stale at exactly two periods of silence, stale right after, by a timer and without being asked", async () => {
  const world = await harness().live();
  world.heartbeat();
  await world.environment.advance(20_000);
  assert.equal(world.hub.status().stale, false);
  world.seen.statuses.length = 0;
  await world.environment.advance(1);
  assert.equal(world.seen.statuses.at(-1).stale, true);
  assert.equal(world.seen.statuses.at(-1).reason, "silent");
});

test("events do not stand in for heartbeats", async () => {
  const world = await harness().live();
  world.heartbeat();
  await world.environment.advance(15_000);
  world.event(1);
  await world.environment.advance(5_001);
  assert.equal(world.hub.status().reason, "silent");
});

test("the period is the one that the welcome names", async () => {
  const world = await harness().live({ heartbeat: 2 });
  world.heartbeat();
  await world.environment.advance(4_000);
  assert.equal(world.hub.status().stale, false);
  await world.environment.advance(1);
  assert.equal(world.hub.status().stale, true);
});

test("a silent connection is replaced by a new one, and resuming makes the screen live again", async () => {
  const world = await harness().live({ offset: 5 });
  world.heartbeat();
  await world.environment.advance(20_002);
  assert.notEqual(world.sockets[0].closedWith, null);
  await world.environment.advance(1000);
  assert.equal(world.sockets.length, 2);
  await world.welcome();
  assert.equal(world.hub.status().stale, true, "signed in is not enough");
  await world.subscribed({ offset: 5, recovered: true });
  assert.deepEqual([world.hub.status().live, world.hub.status().reason], [true, null]);
});

test("`fresh` may be two periods old against the heartbeat's own clock, and no more", async () => {
  const world = await harness().live();
  world.heartbeat({ lag: 20_000 });
  assert.equal(world.hub.status().live, true);
  world.heartbeat({ lag: 20_001 });
  assert.equal(world.hub.status().reason, "not_fresh");
});

test("`fresh` ages by monotonic time between heartbeats", async () => {
  const world = await harness().live();
  world.heartbeat({ lag: 13_000 });
  await world.environment.advance(7_000);
  assert.equal(world.hub.status().stale, false);
  world.seen.statuses.length = 0;
  await world.environment.advance(1);
  assert.equal(world.seen.statuses.at(-1).reason, "not_fresh");
});

test("the tablet's wall clock takes no part: the hub may be years ahead of it", async () => {
  const world = await harness().live();
  world.heartbeat({ at: 1e11 });
  assert.equal(world.hub.status().live, true);
  assert.equal(world.hub.serverNow(), START + 1e11);
});

test("a heartbeat without readable times is no proof of freshness", async () => {
  const world = await harness().live();
  world.socket.say({ type: "heartbeat", at: "soon", fresh: null });
  assert.equal(world.hub.status().reason, "not_fresh");
});

test("an offset that stays behind a head for a period makes the screen stale, and the channel asks again", async () => {
  const world = await harness().live({ offset: 40 });
  world.heartbeat({ heads: { [CHANNEL]: 42 } });
  assert.equal(world.hub.status().stale, false, "the events may be on their way");
  world.event(41);
  await world.environment.advance(10_000);
  world.heartbeat();
  assert.equal(world.hub.status().stale, false);
  await world.environment.advance(1);
  assert.equal(world.hub.status().reason, "behind");
  assert.equal(world.socket.last("subscribe").since, 41);
  await world.subscribed({ offset: 41, recovered: true });
  assert.equal(world.hub.status().reason, "behind");
  world.event(42);
  assert.equal(world.hub.status().live, true);
});

test("a head that moves on does not give a channel that stays behind another period", async () => {
  const world = await harness().live({ offset: 40 });
  world.heartbeat({ heads: { [CHANNEL]: 42 } });
  await world.environment.advance(10_000);
  world.heartbeat({ heads: { [CHANNEL]: 50 } });
  await world.environment.advance(1);
  assert.equal(world.hub.status().reason, "behind");
});

test("a channel that is still behind after asking again asks at each heartbeat", async () => {
  const world = await harness().live({ offset: 40 });
  world.heartbeat({ heads: { [CHANNEL]: 42 } });
  for (const expected of [2, 3]) {
    await world.environment.advance(10_001);
    world.heartbeat();
    assert.equal(world.socket.of("subscribe").length, expected);
    await world.subscribed({ offset: 40, recovered: true });
  }
});

test("catching up with the head within the period is never stale", async () => {
  const world = await harness().live({ offset: 40 });
  world.heartbeat({ heads: { [CHANNEL]: 42, "pos:other": 9 } });
  world.event(41, 42);
  await beating(world, 30_000);
  assert.equal(world.hub.counters.stale, 0);
});

test("a short absence is told as reconnecting, not as stale", async () => {
  const world = await harness().live();
  world.heartbeat();
  world.socket.end(1006);
  const { live, stale, reason } = world.hub.status();
  assert.deepEqual({ live, stale, reason }, { live: false, stale: false, reason: "reconnecting" });
  await world.environment.advance(100_000);
  assert.equal(world.hub.status().stale, true);
});

test("a hub that is never reached makes the screen stale after two periods", async () => {
  const world = harness();
  world.hub.connect();
  await world.environment.advance(20_000);
  assert.equal(world.hub.status().stale, false);
  await world.environment.advance(2);
  assert.equal(world.hub.status().stale, true);
});

test("`asOf` is the hub's time up to which the screen is complete, and stays when it goes stale", async () => {
  const world = await harness().live();
  await world.environment.advance(10_000);
  world.heartbeat({ lag: 300 });
  assert.equal(world.hub.status().asOf.getTime(), START + 9_700);
  world.heartbeat({ heads: { [CHANNEL]: 5 } });
  assert.equal(world.hub.status().asOf.getTime(), START + 9_700, "behind a head nothing newer is known");
  await world.environment.advance(50_000);
  assert.equal(world.hub.status().asOf.getTime(), START + 9_700);
});

test("a heartbeat that lay two periods in a queue is not believed: the connection is replaced", async () => {
  const world = await harness().live();
  world.heartbeat();
  for (let time = 10_000; time <= 120_000 && world.sockets.length === 1; time += 10_000) {
    await world.environment.advance(10_000);
    world.heartbeat({ at: time / 2 });
  }
  assert.ok(world.environment.time <= 60_000);
  assert.equal(world.sockets[0].closedWith?.reason, "late heartbeat");
});

test("check() replaces a connection that does not answer a ping, and leaves one that does", async () => {
  for (const answers of [true, false]) {
    const world = await harness().live();
    world.heartbeat();
    world.hub.check();
    const { id } = world.socket.last("ping");
    if (answers) world.socket.say({ type: "pong", id, at: world.serverTime() });
    await world.environment.advance(5_000);
    assert.equal(world.sockets[0].closedWith === null, answers);
  }
});

test("a quiet screen sets no timer faster than its heartbeat", async () => {
  const world = await harness().live();
  world.heartbeat();
  assert.ok(Math.min(...world.environment.waits) >= 10_000);
});
