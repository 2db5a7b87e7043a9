// The little that the screens need of a view library: make elements, keep a list of them in step with data.
// Everything goes in as text nodes and attributes; nothing is ever parsed as HTML.

/** An element: attributes by name, `on…` as listeners, `data` and `aria` as objects, the rest as children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "aria") setAria(element, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setAria(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(`aria-${name}`, value);
}

/** A button that is not a form's: its classes, what a press does, further attributes, what stands on it. */
export function button(classes, onclick, attributes = {}, ...children) {
  return h("button", { class: classes, type: "button", onclick, ...attributes }, ...children);
}

/** Writes text only when it changed, so that live regions and selections stay in peace. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides. */
export function setShown(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** Sets a data attribute only when it changed. */
export function setData(element, name, value) {
  if (element.dataset[name] !== value) element.dataset[name] = value;
}

/**
 * Makes `parent`'s children follow `items`: an element a key, made by `create(item)`, brought up to date by
 * `update(element, item)`, moved only when its place changed. Elements keep focus and scroll position.
 */
export function reconcile(parent, items, key, create, update) {
  const existing = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let previous = null;
  for (const item of items) {
    const name = String(key(item));
    let element = existing.get(name);
    existing.delete(name);
    if (!element) {
      element = create(item);
      element.dataset.key = name;
    }
    update?.(element, item);
    const place = previous ? previous.nextElementSibling : parent.firstElementChild;
    if (place !== element) parent.insertBefore(element, place);
    previous = element;
  }
  for (const element of existing.values()) element.remove();
}

/** Calls `action` once before the next picture, however often it is asked for. */
export function onFrame(action) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      action();
    });
  };
}
