// What the client takes from outside: clocks, timers, randomness, identifiers. Every module gets them as
// one object, so a test can run hours of heartbeats in a millisecond. Nothing else here reads a clock.

/** The platform's own clocks and timers, with any of them replaced by `overrides`. */
export function systemEnvironment(overrides = {}) {
  return {
    wall: () => Date.now(),
    monotonic: () => globalThis.performance.now(),
    setTimer: (action, milliseconds) => setTimeout(action, milliseconds),
    clearTimer: (timer) => clearTimeout(timer),
    random: () => Math.random(),
    uuid: randomIdentifier,
    report: (error) => console.error(error),
    ...overrides,
  };
}

// Not crypto.randomUUID: browsers offer that one only in a secure context, and a tablet in a kitchen
// often speaks plain HTTP to a hub in the same building.
function randomIdentifier() {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto?.getRandomValues) {
    globalThis.crypto.getRandomValues(bytes);
  } else {
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = Math.floor(Math.random() * 256);
  }
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
