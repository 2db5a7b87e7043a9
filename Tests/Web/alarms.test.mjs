// What the till says of the kitchen's alarms, and what a kitchen screen says of its stations.

import assert from "node:assert/strict";
import test from "node:test";
import { TillModel } from "../../clients/web/till/model.js";
import { texts } from "../../clients/web/texts.js";
import { harness } from "./fakes.mjs";

function alarm(id, kind, station, since, number) {
  return { id, kind, station_id: `s-${station}`, station, since, order_number: number };
}

function till(...alarms) {
  const model = new TillModel();
  model.snapshot({ restaurant: { id: "r" }, orders: [], alarms });
  return model;
}

const lines = (model) => model.alarms.map(({ kind, station, count, number }) => [kind, station, count, number ?? null]);

test("alarms come with the snapshot, a line a station and kind, oldest first", () => {
  const model = till(
    alarm("t2", "ticket.unseen", "Grill", "2026-11-20T20:00:09Z", "ORD-2"),
    alarm("b", "station.uncovered", "Bar", "2026-11-20T20:00:05Z"),
    alarm("t1", "ticket.unseen", "Grill", "2026-11-20T20:00:01Z", "ORD-1"));
  assert.deepEqual(lines(model), [["ticket.unseen", "Grill", 2, "ORD-1"], ["station.uncovered", "Bar", 1, null]]);
});

test("they come and go with events, and a snapshot of an older hub has none", () => {
  const model = till();
  const ticket = { id: "t1", order_id: "o1", status: "new" };
  model.event({ event: "ticket.unseen", data: { ...ticket, alarm: alarm("t1", "ticket.unseen", "Grill", "1", "ORD-1") } });
  model.event({ event: "station.uncovered", data: { id: "b", alarm: alarm("b", "station.uncovered", "Bar", "2") } });
  assert.equal(model.alarms.length, 2);
  model.event({ event: "ticket.seen", data: ticket });
  assert.deepEqual(lines(model), [["station.uncovered", "Bar", 1, null]]);
  model.event({ event: "station.covered", data: { id: "b", screens: 1 } });
  assert.deepEqual(model.alarms, []);
  model.snapshot({ restaurant: { id: "r" }, orders: [] });
  assert.deepEqual(model.alarms, []);
});

test("an unseen ticket still shows where its order stands", () => {
  const model = new TillModel();
  model.snapshot({ restaurant: { id: "r" }, orders: [{ id: "o1", status: "confirmed", created_at: "1", tickets: [] }] });
  const data = { id: "t1", order_id: "o1", station_id: "g", station: "Grill", status: "new", alarm: { id: "t1" } };
  model.event({ event: "ticket.unseen", data });
  assert.deepEqual(model.order("o1").tickets.map(({ status }) => status), ["new"]);
});

test("the words say which station and how many", () => {
  const { unseen, uncovered } = texts.till.alarm;
  assert.equal(unseen("Grill", "#12", 0), "Grill has not seen #12");
  assert.equal(unseen("Grill", "#12", 2), "Grill has not seen #12 and 2 more");
  assert.equal(uncovered("Bar"), "No screen shows Bar");
});

test("a screen that shows one station says so, and subscribes anew from where it is when it shows another", async () => {
  const world = await harness().live({ offset: 10 });
  assert.ok(!("stations" in world.socket.last("subscribe")));
  world.event(11);
  world.subscription.seen(11, "shown");
  world.subscription.showing(["grill"]);
  assert.equal(world.socket.of("unsubscribe").length, 1);
  const asked = world.socket.last("subscribe");
  assert.deepEqual([asked.stations, asked.since], [["grill"], 11]);
  await world.subscribed({ offset: 11, recovered: true });
  await world.environment.advance(300);
  const told = world.socket.sent.map(({ type, offset }) => (type === "seen" ? `seen ${offset}` : type));
  assert.deepEqual(told.slice(-4), ["seen 11", "unsubscribe", "subscribe", "seen 11"], "receipts are told anew");
  world.subscription.showing(["grill"]);
  assert.equal(world.socket.of("subscribe").length, 2, "the same choice is no change");
  world.subscription.showing(null);
  assert.ok(!("stations" in world.socket.last("subscribe")));
});

test("a choice made while the hub answers is said when it has, and holds over a reconnection", async () => {
  const world = harness();
  world.hub.connect();
  await world.welcome();
  world.subscription.showing(["bar"]);
  assert.equal(world.socket.of("subscribe").length, 1);
  await world.subscribed({ offset: 5 });
  assert.deepEqual(world.socket.last("subscribe").stations, ["bar"]);
  await world.subscribed({ offset: 5, recovered: true });
  world.socket.end(1006);
  await world.environment.advance(1000);
  await world.welcome();
  assert.deepEqual(world.socket.last("subscribe").stations, ["bar"]);
  assert.deepEqual(world.seen.gaps, []);
});
