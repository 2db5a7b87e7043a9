// wire.md §2, `presence`: who listens, for programs that ask.

import assert from "node:assert/strict";
import test from "node:test";
import { CHANNEL, harness } from "./fakes.mjs";

const member = (connection) => ({ connection, user: `user of ${connection}`, role: "kitchen", stations: null });

async function following({ offset = 41 } = {}) {
  const world = harness({ subscribe: false });
  const told = [];
  const subscription = world.hub.subscribe(CHANNEL, { onPresence: (presence) => told.push(presence) });
  await world.live({ offset });
  const say = (message) => world.socket.say({ type: "presence", channel: CHANNEL, ...message });
  return { world, subscription, told, say };
}

test("presence is asked for only where somebody wants to know", async () => {
  const plain = await harness().live();
  assert.ok(!("presence" in plain.socket.last("subscribe")));
  const { world } = await following();
  assert.equal(world.socket.last("subscribe").presence, true);
});

test("a list, then who joins and leaves, add up to who is there", async () => {
  const { subscription, told, say } = await following();
  assert.deepEqual(subscription.presence, { members: null, count: null });
  say({ event: "list", members: [member("a"), member("b")], count: 2 });
  say({ event: "join", member: member("c"), count: 3 });
  say({ event: "leave", member: member("a"), count: 2 });
  say({ event: "join", member: { ...member("b"), stations: ["grill"] }, count: 2 });
  assert.deepEqual(told.map(({ event, count }) => [event, count]), [["list", 2], ["join", 3], ["leave", 2], ["join", 2]]);
  assert.deepEqual(told[1].member, member("c"));
  assert.deepEqual(subscription.presence.members, [{ ...member("b"), stations: ["grill"] }, member("c")]);
});

test("too many to name are only counted, until a list names them again", async () => {
  const { subscription, say } = await following();
  say({ event: "list", members: null, count: 2000 });
  say({ event: "join", member: member("a"), count: 2001 });
  assert.deepEqual(subscription.presence, { members: null, count: 2001 });
  say({ event: "list", members: [member("a")], count: 1 });
  assert.deepEqual(subscription.presence, { members: [member("a")], count: 1 });
});

test("a lost connection forgets who was there, and the next one asks again", async () => {
  const { world, subscription, told, say } = await following();
  say({ event: "list", members: [member("a")], count: 1 });
  world.socket.end(1006);
  assert.deepEqual(subscription.presence, { members: null, count: null });
  await world.environment.advance(1000);
  await world.welcome();
  assert.equal(world.socket.last("subscribe").presence, true);
  say({ event: "join", member: member("early"), count: 1 });
  assert.equal(told.length, 1, "nothing before the hub has answered");
  await world.subscribed({ offset: 41, recovered: true });
  say({ event: "list", members: [member("b")], count: 1 });
  assert.deepEqual(subscription.presence, { members: [member("b")], count: 1 });
});

test("presence moves no offset and makes no gap, whatever comes", async () => {
  const { world, subscription, say } = await following();
  say({ event: "list", members: [], count: 0 });
  world.event(42);
  assert.equal(subscription.offset, 42);
  world.socket.say({ type: "presence", channel: "kitchen:other", event: "list", members: [], count: 0 });
  say({ event: "moved", member: member("a"), count: 1 });
  const { applied, gaps, repeats } = subscription.counters;
  assert.deepEqual([applied, gaps, repeats], [1, 0, 0]);
});
