// Asks the tablet not to sleep while the board is visible. Browsers grant it only on HTTPS or localhost, and some
// not at all: then the tablet's own setting decides, and nothing here fails.

export function keepAwake() {
  const ask = () => {
    if (document.visibilityState === "visible") navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
