// wire.md §1, «Promise»: every later event exactly once, in order; never a gap, a repeat or a swap.

import assert from "node:assert/strict";
import test from "node:test";
import { CHANNEL, harness } from "./fakes.mjs";

test("the token goes as a subprotocol beside hub.v1, never in the address", async () => {
  const world = harness();
  world.hub.connect();
  await world.welcome();
  assert.deepEqual(world.socket.protocols, ["hub.v1", "bearer.token-1"]);
  assert.equal(world.socket.url, "ws://hub.test/ws");
});

test("a first subscription asks for no offset and takes the snapshot at its offset", async () => {
  const world = await harness().live({ offset: 41 });
  const asked = world.socket.last("subscribe");
  assert.equal(asked.channel, CHANNEL);
  assert.ok(!("since" in asked) && !("epoch" in asked));
  assert.deepEqual(world.seen.snapshots, [{ snapshot: { tickets: [] }, offset: 41, epoch: "e1" }]);
  world.event(42, 43);
  assert.deepEqual(world.seen.events, [42, 43]);
  assert.equal(world.subscription.offset, 43);
});

test("an offset kept from an earlier life is asked for at once", async () => {
  const world = harness({ since: 7, epoch: "e1" });
  world.hub.connect();
  await world.welcome();
  assert.equal(world.socket.last("subscribe").since, 7);
  assert.equal(world.socket.last("subscribe").epoch, "e1");
});

test("after a broken connection the channel resumes from the last offset applied", async () => {
  const world = await harness().live({ offset: 41 });
  world.event(42, 43);
  world.socket.end(1006);
  await world.environment.advance(1000);
  assert.equal(world.sockets.length, 2);
  await world.welcome();
  assert.equal(world.socket.last("subscribe").since, 43);
  assert.equal(world.socket.last("subscribe").epoch, "e1");
  await world.subscribed({ offset: 43, recovered: true });
  world.event(44);
  assert.deepEqual(world.seen.events, [42, 43, 44]);
  assert.equal(world.seen.snapshots.length, 1);
  assert.equal(world.subscription.counters.resumed, 1);
});

test("another epoch brings a snapshot, and its offset replaces the old one even when it is lower", async () => {
  const world = await harness().live({ offset: 41 });
  world.socket.end(1006);
  await world.environment.advance(1000);
  await world.welcome({ epoch: "e2" });
  await world.subscribed({ offset: 3, epoch: "e2", snapshot: { tickets: ["fresh"] } });
  world.event(4);
  assert.deepEqual(world.seen.snapshots.at(-1), { snapshot: { tickets: ["fresh"] }, offset: 3, epoch: "e2" });
  assert.equal(world.subscription.offset, 4);
});

test("a recovery that names another offset or epoch than ours is not believed: a snapshot is asked for", async () => {
  for (const wrong of [{ offset: 40 }, { offset: 41, epoch: "e2" }]) {
    const world = await harness().live({ offset: 41 });
    world.socket.end(1006);
    await world.environment.advance(1000);
    await world.welcome();
    await world.subscribed({ ...wrong, recovered: true });
    world.event(wrong.offset + 1);
    await world.environment.advance(1000);
    assert.deepEqual(world.seen.events, []);
    assert.equal(world.socket.of("subscribe").length, 2);
    assert.ok(!("since" in world.socket.last("subscribe")));
    assert.equal(world.subscription.counters.gaps, 1);
  }
});

test("a gap is never applied: the channel resubscribes from its own offset and counts it", async () => {
  const world = await harness().live({ offset: 10 });
  world.event(11, 13, 14);
  assert.deepEqual(world.seen.events, [11]);
  assert.deepEqual(world.seen.gaps, [{ expected: 12, received: 13 }]);
  assert.equal(world.subscription.counters.gaps, 1);
  assert.equal(world.socket.last("unsubscribe").channel, CHANNEL);
  assert.equal(world.socket.last("subscribe").since, 11);
  world.event(15);
  await world.subscribed({ offset: 11, recovered: true });
  world.event(12, 13, 14, 15);
  assert.deepEqual(world.seen.events, [11, 12, 13, 14, 15]);
});

test("the answer to a subscription that was given up is not taken for the answer to the newer one", async () => {
  const world = await harness().live({ offset: 10 });
  world.event(12);
  const { id } = world.socket.last("subscribe");
  world.socket.say({ type: "subscribed", id: id - 2, channel: CHANNEL, epoch: "e1", offset: 99, snapshot: {} });
  world.event(100);
  assert.equal(world.subscription.offset, 10);
  assert.deepEqual(world.seen.events, []);
});

test("a repeat is dropped and counted", async () => {
  const world = await harness().live({ offset: 10 });
  world.event(11, 11, 10, 12);
  assert.deepEqual(world.seen.events, [11, 12]);
  assert.equal(world.subscription.counters.repeats, 2);
  assert.equal(world.subscription.counters.gaps, 0);
});

test("two swapped events are not applied out of order: the first is a gap, the rest waits", async () => {
  const world = await harness().live({ offset: 10 });
  world.event(12, 11);
  assert.deepEqual(world.seen.events, []);
  await world.subscribed({ offset: 10, recovered: true });
  world.event(11, 12);
  assert.deepEqual(world.seen.events, [11, 12]);
});

test("a hub that leaves gaps again and again is asked with back-off, and at last for a snapshot", async () => {
  const world = await harness().live({ offset: 10 });
  world.event(12);
  assert.equal(world.socket.of("subscribe").length, 2, "the first gap is mended at once");
  await world.subscribed({ offset: 10, recovered: true });
  world.event(12);
  assert.equal(world.socket.of("subscribe").length, 2, "the second waits");
  await world.environment.advance(2_000);
  assert.equal(world.socket.of("subscribe").length, 3);
  for (let round = 0; round < 2; round += 1) {
    await world.subscribed({ offset: 10, recovered: true });
    world.event(12);
    await world.environment.advance(2_000);
  }
  assert.ok(!("since" in world.socket.last("subscribe")));
});

test("a snapshot that the hub sends by itself to a reader that lagged replaces the state", async () => {
  const world = await harness().live({ offset: 10 });
  const snapshot = { tickets: [1] };
  world.socket.say({ type: "subscribed", channel: CHANNEL, epoch: "e1", offset: 500, recovered: false, snapshot });
  world.event(501);
  assert.equal(world.seen.snapshots.at(-1).offset, 500);
  assert.deepEqual(world.seen.events, [501]);
});

test("a refusal of the subscription by right ends it; one for want of the database is tried again", async () => {
  for (const [status, expected] of [[403, "ended:forbidden"], [503, "joining"]]) {
    const world = harness();
    world.hub.connect();
    await world.welcome();
    const { id } = world.socket.last("subscribe");
    world.socket.say({ type: "error", id, code: "forbidden", status, detail: "no" });
    assert.equal(world.seen.states.at(-1), expected);
    await world.environment.advance(5000);
    assert.equal(world.socket.of("subscribe").length, status === 503 ? 2 : 1);
    assert.equal(world.hub.status().reason, status === 503 ? "joining" : "unsubscribed");
  }
});

test("a right withdrawn ends the channel and makes the screen stale", async () => {
  const world = await harness().live({ offset: 10 });
  world.socket.say({ type: "unsubscribed", channel: CHANNEL, reason: "role_changed" });
  assert.equal(world.seen.states.at(-1), "ended:role_changed");
  const { live, stale, reason } = world.hub.status();
  assert.deepEqual({ live, stale, reason }, { live: false, stale: true, reason: "unsubscribed" });
});

test("leaving a channel is not a fault, and it can be joined again", async () => {
  const world = await harness().live({ offset: 10 });
  world.subscription.unsubscribe();
  assert.equal(world.socket.last("unsubscribe").channel, CHANNEL);
  assert.equal(world.hub.status().stale, false);
  assert.equal(world.hub.subscribe(CHANNEL).state, "joining");
});

test("a page that throws in a callback is reported and misses nothing", async () => {
  const world = harness({ subscribe: false });
  const got = [];
  world.hub.subscribe(CHANNEL, {
    onEvent: ({ offset }) => {
      got.push(offset);
      if (offset === 1) throw new Error("page");
    },
  });
  await world.live();
  world.event(1, 2);
  assert.deepEqual(got, [1, 2]);
  assert.equal(world.environment.reported.length, 1);
});
