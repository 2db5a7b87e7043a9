// The keyboard (or a bump bar that acts as one): arrows, Enter and Space, R, digits, ?.
// Enter and Space need no code here: the selected card's button takes them as every button does.

const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

export function listenToKeys({ board, choose, stations, recall, help }) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input, textarea")) return;
    if (document.querySelector("dialog[open]")) {
      moveInDialog(event);
      return;
    }
    if (event.repeat && !ARROWS[event.key]) {
      event.preventDefault(); // a key that is held down is one wish
      return;
    }
    if (ARROWS[event.key]) board.step(ARROWS[event.key]);
    else if (event.key === "r" || event.key === "R") recall();
    else if (event.key === "?") help();
    else if (event.key === "0") choose(null);
    else if (/^[1-9]$/.test(event.key) && stations()[event.key - 1]) choose(stations()[event.key - 1].id);
    else if (isPress(event) && document.activeElement === document.body) board.step("down");
    else return;
    event.preventDefault();
  });
}

function isPress({ key }) {
  return key === "Enter" || key === " ";
}

// In a panel the arrows go from button to button, as Tab does.
function moveInDialog(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...document.querySelectorAll("dialog[open] .dialog-body button")];
  const place = buttons.indexOf(document.activeElement);
  buttons[Math.min(buttons.length - 1, Math.max(0, place + step))]?.focus();
  event.preventDefault();
}
