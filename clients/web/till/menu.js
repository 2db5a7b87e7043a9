// The menu: categories as tabs, products as tiles. What is sold out cannot be tapped from the moment it is known.

import { button, h, reconcile, setText } from "../shared/dom.js";
import { minor, minorDigits, money } from "../shared/format.js";
import { texts } from "../texts.js";

const words = texts.till;

export class Menu {
  #place;
  #tabs = h("div", { class: "tabs", role: "tablist", aria: { label: words.categories } });
  #tiles = h("div", { class: "tiles", role: "tabpanel", id: "tiles" });
  #menu = null;
  #chosen = null;
  #onAdd;

  constructor(place, onAdd) {
    this.#place = place;
    this.#onAdd = onAdd;
    place.append(this.#tabs, this.#tiles);
    this.#tabs.addEventListener("keydown", (event) => this.#arrow(event));
  }

  show(menu) {
    this.#menu = menu;
    const categories = this.#categories();
    if (!categories.some(({ id }) => id === this.#chosen)) this.#chosen = categories[0]?.id ?? null;
    this.render();
  }

  get isKnown() {
    return this.#menu !== null;
  }

  get currency() {
    return this.#menu?.currency ?? "GBP";
  }

  product(id) {
    return this.#menu?.categories.flatMap(({ products }) => products).find((product) => product.id === id) ?? null;
  }

  /** A product was sold out or came back; returns its name, or null when nothing changed. */
  setAvailable(id, isAvailable) {
    const product = this.product(id);
    if (!product || product.available === isAvailable) return null;
    product.available = isAvailable;
    this.render();
    return product.name;
  }

  render() {
    const create = (category) => this.#createTab(category);
    reconcile(this.#tabs, this.#categories(), ({ id }) => id, create, (tab, { id, name }) => {
      const isChosen = id === this.#chosen;
      setText(tab.lastElementChild, name);
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    });
    const category = this.#menu?.categories.find(({ id }) => id === this.#chosen);
    const products = (category?.products ?? []).filter(({ active }) => active !== false);
    reconcile(this.#tiles, products, ({ id }) => id, (product) => this.#createTile(product), (tile, product) => {
      const [name, price, mark] = tile.children;
      setText(name, product.name);
      setText(price, money(minor(product.price, minorDigits(this.currency)), this.currency, texts.language));
      setText(mark, product.available ? "" : words.soldOut);
      tile.disabled = !product.available;
      if (category.colour) tile.style.setProperty("--category", category.colour);
    });
  }

  #categories() {
    return [...(this.#menu?.categories ?? [])].sort((a, b) => a.position - b.position);
  }

  #createTab({ id, colour }) {
    const swatch = h("span", { class: "tab-swatch", aria: { hidden: "true" } });
    if (colour) swatch.style.background = colour;
    const attributes = { role: "tab", aria: { controls: "tiles" } };
    return button("tab", () => this.#choose(id), attributes, swatch, h("span", {}));
  }

  #createTile({ id }) {
    return button("tile", () => this.#onAdd(this.product(id)), { data: { product: id } },
      h("span", { class: "tile-name" }),
      h("span", { class: "tile-price number" }),
      h("span", { class: "tile-mark" }));
  }

  #choose(id) {
    this.#chosen = id;
    this.render();
    this.#tiles.scrollTop = 0;
  }

  #arrow(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const categories = this.#categories();
    const place = categories.findIndex(({ id }) => id === this.#chosen) + step;
    const next = categories[(place + categories.length) % categories.length];
    this.#choose(next.id);
    this.#tabs.querySelector("[aria-selected=true]")?.focus();
    event.preventDefault();
  }
}
