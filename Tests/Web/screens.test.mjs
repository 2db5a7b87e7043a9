// The screens' pure parts: the kitchen's and the till's folds with their optimistic layers, the cart, the formats.

import assert from "node:assert/strict";
import test from "node:test";
import { HubProblem } from "../../clients/js/problem.js";
import { Actions } from "../../clients/web/kitchen/actions.js";
import { KitchenModel } from "../../clients/web/kitchen/model.js";
import { age, ageLevel, clock, minor, money, share, shortNumber } from "../../clients/web/shared/format.js";
import { Cart, sortFaults } from "../../clients/web/till/cart.js";
import { TillModel } from "../../clients/web/till/model.js";
import { settle } from "./fakes.mjs";

const stations = [{ id: "g", name: "Grill", position: 0 }, { id: "c", name: "Cold", position: 1 }];

function ticket(id, { status = "new", station = "g", fired = id, version = 1, items = [["p", 2]], ...more } = {}) {
  return {
    id, order_id: `o-${id}`, order_number: `ORD-20261120-${id}`, station_id: station, station: "Grill", status,
    open: status !== "served", recalled: false, fired_at: `2026-11-20T20:00:0${fired}Z`, version, ...more,
    items: items.map(([product, quantity]) => ({ product_id: product, name: product, quantity, status: "new" })),
  };
}

function kitchen(...tickets) {
  const model = new KitchenModel();
  model.snapshot({ restaurant: { id: "r" }, stations, tickets, out_of_stock: [] }, 10);
  return model;
}

const shown = (model, station) => model.board(station).map(({ id, status }) => `${id} ${status}`);

test("the board is open tickets in fire order; a ticket that is not open leaves it", () => {
  const model = kitchen(ticket("2"), ticket("1"));
  assert.deepEqual(shown(model), ["1 new", "2 new"]);
  model.event({ event: "ticket.created", offset: 11, data: ticket("3", { fired: "0" }) });
  model.event({ event: "ticket.served", offset: 12, data: ticket("1", { status: "served" }) });
  assert.deepEqual(shown(model), ["3 new", "2 new"]);
  assert.equal(model.offsetOf("3"), 11);
});

test("a snapshot replaces the board", () => {
  const model = kitchen(ticket("1"));
  model.snapshot({ restaurant: { id: "r" }, stations, tickets: [ticket("9")] }, 50);
  assert.deepEqual(shown(model), ["9 new"]);
});

test("columns follow the stations' order, and tickets of no known station are not lost", () => {
  const model = kitchen(ticket("1", { station: "c" }), ticket("2", { station: null }));
  assert.deepEqual(model.columns().map(({ id, tickets }) => [id, tickets.length]), [["g", 0], ["c", 1], ["other", 1]]);
});

test("all-day counts add up what is new or started, by station too, and nothing that is ready or voided", () => {
  const model = kitchen(
    ticket("1", { items: [["burger", 2], ["steak", 1]] }), ticket("2", { status: "started", items: [["burger", 3]] }),
    ticket("3", { status: "ready", items: [["burger", 9]] }), ticket("4", { status: "voided", items: [["burger", 9]] }),
    ticket("5", { station: "c", items: [["salad", 4]] }));
  const counts = (station) => model.allDay(station).map(({ id, quantity }) => [id, quantity]);
  assert.deepEqual(counts(), [["burger", 5], ["salad", 4], ["steak", 1]]);
  assert.deepEqual(counts("c"), [["salad", 4]]);
});

test("our own moves lie over what the hub said, until they are taken off, oldest first", () => {
  const model = kitchen(ticket("1"));
  model.push("1", "start");
  assert.deepEqual(shown(model), ["1 started"]);
  model.push("1", "bump");
  assert.deepEqual(shown(model), ["1 ready"]);
  model.push("1", "bump");
  assert.deepEqual(shown(model), []);
  model.event({ event: "ticket.started", offset: 11, data: ticket("1", { status: "started", version: 2 }) });
  model.shift("1");
  assert.deepEqual(shown(model), []);
  model.shift("1");
  model.shift("1");
  assert.deepEqual(shown(model), ["1 started"], "the hub's word is what remains");
});

test("a voided ticket stays on the board until it is bumped", () => {
  const model = kitchen(ticket("1", { status: "voided" }));
  assert.deepEqual(shown(model), ["1 voided"]);
  model.push("1", "bump");
  assert.deepEqual(shown(model), []);
});

test("the recall list is what was bumped, last first, with what the log tells of earlier", () => {
  const model = kitchen(ticket("1", { status: "ready" }), ticket("2"));
  model.history([
    { event: "ticket.served", data: ticket("7", { status: "served" }) },
    { event: "ticket.ready", data: ticket("8", { status: "ready" }) },
    { event: "ticket.recalled", data: ticket("8", { status: "started" }) },
  ]);
  model.event({ event: "ticket.ready", offset: 11, data: ticket("2", { status: "ready" }) });
  assert.deepEqual(model.recallable().map(({ id }) => id), ["2", "7", "1"]);
  model.push("7", "recall");
  assert.deepEqual(shown(model), ["1 ready", "2 ready", "7 started"]);
  assert.deepEqual(model.recallable().map(({ id }) => id), ["2", "1"]);
});

test("sold out follows its events", () => {
  const model = kitchen();
  model.event({ event: "menu.item_unavailable", offset: 11, data: { product_id: "p", name: "Salmon" } });
  assert.deepEqual([...model.soldOut], [["p", "Salmon"]]);
  model.event({ event: "menu.item_available", offset: 12, data: { product_id: "p", name: "Salmon" } });
  assert.equal(model.soldOut.size, 0);
});

function hubOfActions() {
  const hub = {
    sent: [],
    command: (method, path, body) => new Promise((resolve, reject) => hub.sent.push({ path, body, resolve, reject })),
    arrivals: [],
    arrived: (offsets) => new Promise((resolve) => hub.arrivals.push({ offsets, resolve })),
  };
  return hub;
}

test("a tap is shown at once, sent with the version, and let go exactly when its offsets have arrived", async () => {
  const [hub, model] = [hubOfActions(), kitchen(ticket("1", { version: 4 }))];
  new Actions(hub, model, { changed() {}, failed: assert.fail }).advance("1");
  await settle();
  assert.deepEqual(shown(model), ["1 started"]);
  assert.deepEqual([hub.sent[0].path, hub.sent[0].body], ["/api/v1/tickets/1/start", { version: 4 }]);
  hub.sent[0].resolve({ body: { version: 5 }, offsets: { k: 11 } });
  await settle();
  assert.ok(model.isMoving("1"), "the reply is not the event");
  assert.deepEqual(hub.arrivals[0].offsets, { k: 11 });
  model.event({ event: "ticket.started", offset: 11, data: ticket("1", { status: "started", version: 5 }) });
  hub.arrivals[0].resolve();
  await settle();
  assert.ok(!model.isMoving("1"));
});

test("a second tap waits for the first one's answer and carries the version that it left", async () => {
  const [hub, model] = [hubOfActions(), kitchen(ticket("1"))];
  const actions = new Actions(hub, model, { changed() {}, failed: assert.fail });
  actions.advance("1");
  actions.advance("1");
  await settle();
  assert.equal(hub.sent.length, 1);
  hub.sent[0].resolve({ body: { version: 2 }, offsets: {} });
  await settle();
  assert.deepEqual([hub.sent[1].path, hub.sent[1].body], ["/api/v1/tickets/1/bump", { version: 2 }]);
});

test("a refused tap goes back to what the hub says, and is told", async () => {
  const [hub, model, told] = [hubOfActions(), kitchen(ticket("1")), []];
  new Actions(hub, model, { changed() {}, failed: (error) => told.push(error.code) }).advance("1");
  await settle();
  hub.sent[0].reject(new HubProblem(409, { code: "stale_version" }));
  await settle();
  assert.deepEqual([shown(model), told], [["1 new"], ["stale_version"]]);
});

test("the till folds orders and ticket progress, and tells what was completed or cancelled", () => {
  const model = new TillModel();
  const order = (status, more) => ({ id: "o", number: "ORD-1", status, created_at: "1", tickets: [], ...more });
  model.snapshot({ restaurant: {}, orders: [order("pending")] });
  model.event({ event: "order.confirmed", data: order("confirmed") });
  model.event({ event: "ticket.created", data: { id: "t", order_id: "o", status: "new", station: "Grill" } });
  model.event({ event: "ticket.started", data: { id: "t", order_id: "o", status: "started", station: "Grill" } });
  assert.deepEqual(model.order("o").tickets.map(({ id, status }) => [id, status]), [["t", "started"]]);
  assert.equal(model.event({ event: "order.status_changed", data: order("ready") }), null);
  const told = model.event({ event: "order.completed", data: order("completed") });
  assert.deepEqual(told, { kind: "completed", number: "ORD-1" });
  assert.deepEqual(model.orders, []);
});

const burger = { id: "b", name: "Burger", price: "12.50" };

function cart() {
  let count = 0;
  return new Cart(() => `key-${(count += 1)}`);
}

test("the same product goes on its plain line, and on another when that one has wishes", () => {
  const order = cart();
  order.add(burger);
  const line = order.add(burger);
  line.modifiers = ["No onion"];
  order.add(burger);
  order.table = " 12 ";
  assert.deepEqual(order.document("r"), {
    restaurant_id: "r", order_type: "dine_in", table: "12",
    items: [{ product_id: "b", quantity: 2, modifiers: ["No onion"] }, { product_id: "b", quantity: 1 }],
  });
  order.change(line.key, -2);
  assert.equal(order.lines.length, 1);
});

test("the keys stay while the attempt is uncertain, and change with the order or with an answer", () => {
  const order = cart();
  order.add(burger);
  const first = order.attempt();
  assert.deepEqual(order.attempt(), first);
  order.settled();
  const second = order.attempt();
  assert.notDeepEqual(second, first);
  order.add(burger);
  assert.notDeepEqual(order.attempt(), second);
  assert.notEqual(first.create, first.confirm);
});

test("20.00 is 4.00 VAT and 2.50 service: 26.50; halves round up, once", () => {
  const rates = { vat_enabled: true, vat_rate: "0.2000", service_enabled: true, service_rate: "0.1250" };
  const order = cart();
  order.add({ ...burger, price: "20.00" });
  assert.deepEqual(order.sums(rates, 2), { subtotal: 2000n, vat: 400n, service: 250n, total: 2650n });
  assert.equal(order.sums({ ...rates, prices_include_vat: true }, 2).total, null, "then only the hub can say");
  assert.equal(share(1004n, "0.1250"), 126n);
  assert.equal(share(1003n, "0.1250"), 125n);
});

test("faults go to the line, the field or the foot", () => {
  const faults = sortFaults([
    { field: "items[1].quantity", detail: "a" }, { field: "items[1].product_id", detail: "b" },
    { field: "table", detail: "c" }, { field: "weather", code: "bad" },
  ]);
  assert.deepEqual([...faults.lines], [[1, ["a", "b"]]]);
  assert.deepEqual([...faults.fields], [["table", ["c"]]]);
  assert.deepEqual(faults.rest, ["bad"]);
});

test("ages, levels, clocks, numbers and money read as people write them", () => {
  assert.deepEqual([-3, 5, 65, 3599, 3720].map(age), ["0:00", "0:05", "1:05", "59:59", "1:02 h"]);
  const limits = { amber_seconds: 900, red_seconds: 1200 };
  const levels = [899, 900, 1199, 1200].map((seconds) => ageLevel(seconds, limits));
  assert.deepEqual(levels, ["neutral", "amber", "amber", "red"]);
  assert.equal(clock(new Date("2026-07-01T20:03:09Z"), { zone: "Europe/London" }), "21:03:09");
  assert.equal(shortNumber("ORD-20261120-0042"), "#0042");
  assert.equal(minor("12.5", 2), 1250n);
  assert.equal(money(5n, "GBP"), "£0.05");
  assert.equal(money(1250n, "JPY"), "JP¥1,250");
});
