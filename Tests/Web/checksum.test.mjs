// The kitchen's checksum (0013-checksum.sql): the same sum as the hub's, compared wherever the two meet, and a fresh
// snapshot when they differ.

import assert from "node:assert/strict";
import test from "node:test";
import { Checksum, kitchenSum } from "../../clients/js/checksum.js";
import { CHANNEL, harness } from "./fakes.mjs";

const one = { id: "01900000-0000-7000-8000-00000000000a", version: 3 };
const two = { id: "01900000-0000-7000-8000-0000ffffffff", version: 1 };

test("the sum is of no order, of ids and versions, and wraps at 32 bits", () => {
  assert.equal(kitchenSum([]), "00000000");
  assert.equal(kitchenSum([one]), "00000046"); // 10 · 7
  assert.equal(kitchenSum([two]), "fffffffd"); // −1 · 3
  assert.equal(kitchenSum([one, two]), "00000043");
  assert.equal(kitchenSum([two, one]), kitchenSum([one, two]));
  assert.notEqual(kitchenSum([{ ...one, version: 4 }]), kitchenSum([one]));
});

test("sums are compared at one offset only, whether the hub's word comes before the event or after it", () => {
  let own = "a";
  const checksum = new Checksum(() => own);
  assert.ok(checksum.reached(5));
  assert.ok(checksum.told({ offset: 6, sum: "b" }, 5), "not there yet");
  own = "b";
  assert.ok(checksum.reached(6));
  own = "c";
  assert.ok(checksum.reached(7));
  assert.ok(!checksum.told({ offset: 6, sum: "x" }, 7), "a word about an offset that was passed");
  checksum.reset();
  assert.ok(checksum.told(undefined, 7));
  checksum.told({ offset: 8, sum: "d" }, 7);
  assert.ok(!checksum.reached(8), "a word that came first");
});

test("what was agreed on is looked at again with every heartbeat", () => {
  let own = "a";
  const checksum = new Checksum(() => own);
  checksum.reached(5);
  assert.ok(checksum.told({ offset: 5, sum: "a" }, 5));
  own = "spoiled";
  assert.ok(!checksum.told(undefined, 5));
});

async function kitchen(sum) {
  const world = harness({ checksum: sum });
  await world.live({ offset: 41 });
  return world;
}

test("a page that agrees with the hub goes on", async () => {
  const world = await kitchen(() => "00000001");
  world.heartbeat({ sums: { [CHANNEL]: { offset: 41, sum: "00000001" } } });
  world.event(42);
  assert.deepEqual(world.seen.events, [42]);
  assert.equal(world.subscription.counters.mismatches, 0);
});

test("a page that differs takes a fresh snapshot by itself, once, and counts it", async () => {
  let sum = "00000002";
  const world = await kitchen(() => sum);
  world.heartbeat({ sums: { [CHANNEL]: { offset: 41, sum: "00000001" } } });
  const asked = world.socket.last("subscribe");
  assert.ok(!("since" in asked));
  assert.equal(world.subscription.counters.mismatches, 1);
  sum = "00000001";
  await world.subscribed({ offset: 41, snapshot: { tickets: ["fresh"] } });
  assert.equal(world.subscription.state, "live");
  world.heartbeat({ sums: { [CHANNEL]: { offset: 41, sum: "00000001" } } });
  world.event(42);
  assert.deepEqual(world.seen.events, [42]);
  assert.equal(world.subscription.counters.mismatches, 1);
  assert.equal(world.socket.of("subscribe").length, 2);
});

test("a page whose sum is always wrong asks once for each word of the hub, not in a circle", async () => {
  const world = await kitchen(() => "wrong");
  world.heartbeat({ sums: { [CHANNEL]: { offset: 41, sum: "00000001" } } });
  await world.subscribed({ offset: 41, snapshot: { tickets: [] } });
  world.heartbeat({});
  await world.environment.advance(1000);
  assert.equal(world.subscription.counters.mismatches, 1);
  assert.equal(world.socket.of("subscribe").length, 2);
});
