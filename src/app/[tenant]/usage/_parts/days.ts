const DAY_MS = 86_400_000;

export interface Day {
  /** `2026-11-21`. */
  day: string;
  units: number;
}

/** The last `count` calendar days up to `today`, those without usage as 0. */
export function fillDays(today: string, count: number, known: readonly Day[]): Day[] {
  const unitsOf = new Map(known.map(({ day, units }) => [day, units]));
  const todayMs = Date.parse(`${today}T00:00:00Z`);
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(todayMs - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10);
    return { day, units: unitsOf.get(day) ?? 0 };
  });
}

/** `2026-11-21` → "Nov 21". */
export function dayLabel(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-US", {
    timeZone: "UTC",
    month: "short",
    day: "numeric",
  });
}
