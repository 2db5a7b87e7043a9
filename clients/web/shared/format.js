// Numbers as people read them: ages, clock times, money. Pure: time and language are arguments.

/** Seconds as 4:05, 59:59, 1:02 h. */
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}

/** neutral, amber or red. */
export function ageLevel(seconds, { amber_seconds: amber, red_seconds: red }) {
  if (seconds >= red) return "red";
  return seconds >= amber ? "amber" : "neutral";
}

const clocks = new Map();

/** A time as HH:MM:SS (or HH:MM) in the restaurant's zone. */
export function clock(time, { zone, language = "en-GB", seconds = true } = {}) {
  const name = `${zone}|${language}|${seconds}`;
  if (!clocks.has(name)) {
    const fields = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(seconds ? { second: "2-digit" } : {}) };
    clocks.set(name, new Intl.DateTimeFormat(language, { ...fields, timeZone: zone }));
  }
  return clocks.get(name).format(time);
}

/** "ORD-20261120-0001" as "#0001": what is called out in a kitchen. */
export function shortNumber(number) {
  const last = String(number).split("-").at(-1);
  return `#${last}`;
}

/** A decimal string as an integer of minor units: "12.50" → 1250n. */
export function minor(decimal, digits) {
  const [whole, fraction = ""] = String(decimal).split(".");
  return BigInt(whole + fraction.padEnd(digits, "0").slice(0, digits));
}

/** How many digits a currency has after the point. */
export function minorDigits(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

/** Minor units as money: 1250n GBP → £12.50. */
export function money(amount, currency, language = "en-GB") {
  const digits = minorDigits(currency);
  const text = amount.toString().padStart(digits + 1, "0");
  const decimal = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return new Intl.NumberFormat(language, { style: "currency", currency }).format(decimal);
}

/** rate × amount, rounded half-up once; `rate` is a decimal string such as "0.1250". */
export function share(amount, rate) {
  const [, fraction = ""] = String(rate).split(".");
  const scale = 10n ** BigInt(fraction.length);
  const product = amount * BigInt(String(rate).replace(".", ""));
  return (2n * product + scale) / (2n * scale);
}
