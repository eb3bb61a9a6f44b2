const LOCALE = "en-US";
const BYTE_STEPS = ["bytes", "kB", "MB", "GB", "TB", "PB"];
const IRREGULAR: Record<string, string> = { person: "people" };

/** 10000 → "10,000". */
export function formatCount(count: number): string {
  return count.toLocaleString(LOCALE);
}

/** A number of units in words: "10,000 messages", "1 GB", "25 people". `unit` is singular. */
export function formatUnits(count: number, unit: string): string {
  if (unit === "byte") return formatBytes(count);
  return `${formatCount(count)} ${count === 1 ? unit : pluralOf(unit)}`;
}

/** null is unlimited. */
export function formatLimit(limit: number | null, unit: string): string {
  return limit === null ? "Unlimited" : formatUnits(limit, unit);
}

/** Decimal steps, as disks are sold: 1,000,000,000 → "1 GB". */
function formatBytes(bytes: number): string {
  let [size, step] = [bytes, 0];
  while (size >= 1000 && step < BYTE_STEPS.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${size.toLocaleString(LOCALE, { maximumFractionDigits: 1 })} ${BYTE_STEPS[step]}`;
}

export function pluralOf(unit: string): string {
  const abbreviation = unit === unit.toUpperCase();
  return IRREGULAR[unit] ?? (abbreviation ? unit : unit.replace(/y$/, "ie").concat("s"));
}

/** "Nov 21, 2026" where the workspace is: the same text on the server and in every browser. */
export function formatDate(at: Date, timeZone: string): string {
  return at.toLocaleDateString(LOCALE, { timeZone, month: "short", day: "numeric", year: "numeric" });
}

/** "Nov 21, 2026, 14:05". */
export function formatDateTime(at: Date, timeZone: string): string {
  const time = at.toLocaleTimeString(LOCALE, {
    timeZone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
  return `${formatDate(at, timeZone)}, ${time}`;
}

/** `2026-11-21`, the calendar day of an instant in a time zone. */
export function calendarDay(at: Date, timeZone: string): string {
  return at.toLocaleDateString("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
}

/** "$15.00" → "$15": prices read better without empty cents. */
export function formatPrice(money: string): string {
  return money.replace(/\.0+$/, "");
}
