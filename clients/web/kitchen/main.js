// The kitchen display: puts the hub's channel, the model, the board and the keys together. What is shown follows
// the channel alone; what is tapped is shown at once and confirmed by the channel (actions.js).

import { Hub } from "../../js/hub.js";
import { button, h, onFrame, setText } from "../shared/dom.js";
import { explain } from "../shared/explain.js";
import { restaurantOf, rest, session, signedIn, socketAddress } from "../shared/sign-in.js";
import { showStatus, watchDevice } from "../shared/status.js";
import { toast } from "../shared/toast.js";
import { texts } from "../texts.js";
import { Actions } from "./actions.js";
import { allDayBar, stationBar } from "./bars.js";
import { Board } from "./board.js";
import { listenToKeys } from "./keys.js";
import { KitchenModel } from "./model.js";
import { helpPanel, recallPanel } from "./panels.js";
import { keepAwake } from "./awake.js";

const STATION = "hub.kitchen.station";
const words = texts.kitchen;
const app = document.getElementById("app");

async function start() {
  const user = await signedIn(app, texts.signIn.lead.kitchen);
  const restaurant = await restaurantOf(user);
  if (!restaurant) {
    app.replaceChildren(h("p", { class: "nothing" }, texts.signIn.noRestaurant));
    return;
  }
  run(user, restaurant);
}

function run(user, restaurant) {
  const channel = `kitchen:${restaurant}`;
  const model = new KitchenModel();
  const hub = new Hub({ url: socketAddress(), token: session.token });
  const zone = () => model.restaurant?.time_zone;
  let station = localStorage.getItem(STATION);
  let lastOffset = 0;

  const name = h("h1", { class: "place" }, words.title);
  const pill = h("div", { class: "pill" });
  const stations = h("nav", { class: "stations" });
  const allDay = h("section", { class: "all-day", aria: { label: words.allDay } });
  const place = h("main", { class: "board" });
  const voice = h("div", { class: "visually-hidden", role: "status" });
  const recallButton = button("button primary recall-button", () => recall.open(station),
    { aria: { keyshortcuts: "r" } }, words.recall, h("kbd", { aria: { hidden: "true" } }, "R"));
  const helpButton = button("button help-button", () => help.open(), { aria: { label: words.help } }, "?");
  const tools = h("div", { class: "tools" }, recallButton, helpButton);
  app.replaceChildren(h("header", { class: "top" }, h("div", {}, name, pill), stations, tools), allDay, place, voice);

  const render = onFrame(draw);
  const actions = new Actions(hub, model, { changed: render, failed: (error) => toast(explain(error), "bad") });
  const board = new Board(place, model, (id) => {
    subscription.seen(model.offsetOf(id), "accepted");
    actions.advance(id);
  });
  const drawStations = stationBar(stations, choose);
  const drawAllDay = allDayBar(allDay);
  const recall = recallPanel(model, (id) => actions.recall(id), zone);
  const help = helpPanel(model, user, signOut);
  const refreshStatus = showStatus(hub, { pill, advice: texts.status.staleAdvice, zone, signOut });

  function draw() {
    if (!model.restaurant) return;
    if (station !== null && !model.stations.some(({ id }) => id === station)) station = null;
    setText(name, model.restaurant.name);
    drawStations(model, station);
    drawAllDay(model, station);
    const tickets = board.render(station);
    board.tick(hub.serverNow());
    // Only now, when they are on the glass: receipts speak for the stations that are shown.
    subscription.showing(station === null ? null : [station]);
    tellShown(tickets);
  }

  // A receipt says «shown» only of what is on the glass of a page that can be seen.
  function tellShown(tickets) {
    if (document.visibilityState !== "visible") return;
    const newest = Math.max(0, ...tickets.map(({ id }) => model.offsetOf(id)));
    if (newest > 0) subscription.seen(newest, "shown");
  }

  function choose(id) {
    station = id;
    if (id === null) localStorage.removeItem(STATION);
    else localStorage.setItem(STATION, id);
    render();
  }

  const subscription = hub.subscribe(channel, {
    stations: station === null ? undefined : [station],
    checksum: () => model.sum,
    onSnapshot(document, { offset }) {
      model.snapshot(document, offset);
      if (lastOffset === 0) loadHistory(offset);
      lastOffset = offset;
      render();
    },
    onEvent(event) {
      lastOffset = event.offset;
      const ticket = model.event(event);
      if (ticket && (station === null || ticket.station_id === station)) setText(voice, words.arrived(1));
      render();
    },
  });

  async function loadHistory(offset) {
    const path = `/api/v1/channels/${channel}/events?after=${Math.max(0, offset - 100)}&limit=100`;
    const answer = await rest.get(path).catch(() => null); // only the recall list of earlier is missing then
    model.history(answer?.body?.items ?? []);
  }

  async function signOut() {
    hub.close();
    await session.logout();
    location.reload();
  }

  listenToKeys({
    board, choose, stations: () => model.stations, recall: () => recall.open(station), help: () => help.open(),
  });
  watchDevice(hub);
  keepAwake();
  document.addEventListener("visibilitychange", render);
  setInterval(() => {
    board.tick(hub.serverNow());
    refreshStatus();
  }, 1000);
  hub.connect();
}

start().catch((error) => toast(explain(error), "bad"));
