// The till: menu on the left, the order being put together, and the open orders with the kitchen's progress. What is
// shown of orders follows the hub's channel alone; commands go over the same socket, each attempt under one key.

import { Hub } from "../../js/hub.js";
import { systemEnvironment } from "../../js/environment.js";
import { button, h, onFrame, setText } from "../shared/dom.js";
import { explain } from "../shared/explain.js";
import { minor, minorDigits, money, shortNumber } from "../shared/format.js";
import { restaurantOf, rest, session, signedIn, socketAddress } from "../shared/sign-in.js";
import { showStatus, watchDevice } from "../shared/status.js";
import { toast } from "../shared/toast.js";
import { texts } from "../texts.js";
import { alarmStrip } from "./alarms.js";
import { Cart } from "./cart.js";
import { askNote, askReason, askWishes } from "./dialogs.js";
import { Menu } from "./menu.js";
import { availability, TillModel } from "./model.js";
import { OpenOrders } from "./open-orders.js";
import { OrderPanel } from "./order-panel.js";

const SLOW = 3_000;
const words = texts.till;
const app = document.getElementById("app");

async function start() {
  const user = await signedIn(app, texts.signIn.lead.till);
  const restaurant = await restaurantOf(user);
  if (!restaurant) {
    app.replaceChildren(h("p", { class: "nothing" }, texts.signIn.noRestaurant));
    return;
  }
  run(restaurant);
}

function run(restaurant) {
  const model = new TillModel();
  const cart = new Cart(systemEnvironment().uuid);
  const hub = new Hub({ url: socketAddress(), token: session.token });
  const busy = new Set(); // orders with a command under way
  let isPlacing = false;

  const name = h("h1", { class: "place" }, words.title);
  const pill = h("div", { class: "pill" });
  const alarmPlace = h("div", { class: "alarms", hidden: true });
  const menuPlace = h("main", { class: "menu", aria: { label: words.menu } });
  const orderPlace = h("section", { class: "panel order-panel", aria: { label: words.order } });
  const openPlace = h("section", { class: "panel open-panel", aria: { label: words.open } });
  const signOutButton = button("button quiet", signOut, {}, words.signOut);
  app.replaceChildren(h("header", { class: "top" }, name, alarmPlace, pill, signOutButton), menuPlace, orderPlace, openPlace);

  const menu = new Menu(menuPlace, (product) => {
    cart.add(product);
    panel.showFaults([]);
  });
  const panel = new OrderPanel(orderPlace, cart, menu, {
    place,
    note: () => askNote(cart.note, (note) => {
      cart.note = note;
      cart.changed();
      panel.showFaults([]);
    }),
    edit: (line) => askWishes(line, {
      done: (wishes) => {
        Object.assign(line, wishes);
        cart.changed();
        panel.showFaults([]);
      },
      remove: () => {
        cart.remove(line.key);
        panel.showFaults([]);
      },
    }),
  });
  const open = new OpenOrders(openPlace, {
    confirm: (id) => act(id, "confirm"),
    complete: (id) => act(id, "complete"),
    cancel: (id) => askReason(shortNumber(model.order(id)?.number ?? ""), (reason) => act(id, "cancel", { reason })),
  });
  const zone = () => model.restaurant?.time_zone;
  const refreshStatus = showStatus(hub, { pill, advice: words.staleAdvice, zone, signOut });
  const drawAlarms = alarmStrip(alarmPlace);
  const renderOrders = onFrame(() => {
    if (model.restaurant) setText(name, model.restaurant.name);
    open.render(model.orders, busy);
    open.tick(hub.serverNow());
    drawAlarms(model.alarms);
  });

  // ——— commands ———

  async function place(isSent) {
    if (isPlacing || cart.isEmpty) return;
    isPlacing = true;
    const keys = cart.attempt();
    const slow = setTimeout(() => panel.setBusy(true, true), SLOW);
    panel.showFaults([]);
    panel.setBusy(true);
    try {
      const wish = cart.document(restaurant);
      const { body: order } = await hub.command("POST", "/api/v1/orders", wish, { key: keys.create });
      cart.clear();
      const total = money(minor(order.total, minorDigits(order.currency)), order.currency, texts.language);
      if (isSent) await sendToKitchen(order, keys.confirm, total);
      else toast(words.held(shortNumber(order.number), total));
    } catch (error) {
      if (!error.uncertain) cart.settled();
      panel.showFaults(error.errors ?? [], error.errors?.length > 0 ? "" : explain(error));
    } finally {
      clearTimeout(slow);
      isPlacing = false;
      panel.setBusy(false);
    }
  }

  async function sendToKitchen(order, key, total) {
    try {
      await hub.command("POST", `/api/v1/orders/${order.id}/confirm`, undefined, { key });
      toast(words.placed(shortNumber(order.number), total), "good");
    } catch (error) {
      toast(`${words.confirmFailed(shortNumber(order.number))} ${explain(error)}`, "bad");
    }
  }

  async function act(id, verb, body) {
    if (busy.has(id)) return;
    busy.add(id);
    renderOrders();
    try {
      const { offsets } = await hub.command("POST", `/api/v1/orders/${id}/${verb}`, body);
      await hub.arrived(offsets); // the buttons stay off until the list shows what was done
    } catch (error) {
      toast(explain(error), "bad");
    } finally {
      busy.delete(id);
      renderOrders();
    }
  }

  // ——— what the hub says ———

  async function loadMenu() {
    try {
      const { body } = await rest.get(`/api/v1/restaurants/${restaurant}/menu`);
      menu.show(body);
      panel.render();
    } catch (error) {
      toast(explain(error), "bad");
      if (error.temporary) setTimeout(loadMenu, 5_000);
    }
  }

  async function loadRates() {
    const answer = await rest.get(`/api/v1/restaurants/${restaurant}`).catch(() => null);
    panel.restaurant = answer?.body ?? null; // without it the sums stop at the subtotal
    panel.render();
  }

  hub.subscribe(`pos:${restaurant}`, {
    onSnapshot(document) {
      model.snapshot(document);
      // A snapshot says nothing of the menu, and menu events may have been missed before it.
      loadMenu();
      renderOrders();
    },
    onEvent(event) {
      const change = availability(event);
      if (change) {
        const changed = menu.setAvailable(...change);
        if (changed && !change[1]) toast(words.soldOutNow(changed));
        panel.render();
      } else if (event.event === "menu.updated") loadMenu();
      const told = model.event(event);
      if (told) toast(words[told.kind](shortNumber(told.number)), told.kind === "completed" ? "good" : "info");
      renderOrders();
    },
  });

  async function signOut() {
    hub.close();
    await session.logout();
    location.reload();
  }

  panel.render();
  loadRates();
  watchDevice(hub);
  setInterval(() => {
    open.tick(hub.serverNow());
    refreshStatus();
  }, 1000);
  hub.connect();
}

start().catch((error) => toast(explain(error), "bad"));
