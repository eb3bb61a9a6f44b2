import { testDatabase } from "@tests/support/database";
import { type WindowCase, windowCase } from "@tests/support/window-cases";
import fc from "fast-check";
import type postgres from "postgres";
import { describe, expect, it } from "vitest";
import { isTimeZone, type Period, periodAt } from "@/lib/time";

const { owner } = await testDatabase();

/** `ledger_period_at` for many cases in one round trip. */
async function periodsInSql(
  cases: readonly WindowCase[],
  sql: postgres.Sql | postgres.TransactionSql = owner,
) {
  const rows = await sql<{ startsAtMs: string; endsAtMs: string }[]>`
    select extract(epoch from p.starts_at) * 1000 || '' as "startsAtMs", extract(epoch from p.ends_at) * 1000 || '' as "endsAtMs"
    from unnest(
      ${cases.map(({ now }) => now.toISOString())}::text[],
      ${cases.map(({ rule }) => rule.unit)}::text[],
      ${cases.map(({ rule }) => rule.anchor?.toISOString() ?? null)}::text[],
      ${cases.map(({ rule }) => rule.timeZone)}::text[]
    ) with ordinality as c (now, unit, anchor, zone, position),
    lateral ledger_period_at(c.now::timestamptz, c.unit, c.anchor::timestamptz, c.zone) as p
    order by c.position`;
  return rows.map(
    (row): Period => ({ startsAt: new Date(Number(row.startsAtMs)), endsAt: new Date(Number(row.endsAtMs)) }),
  );
}

async function expectSqlEqualsTypeScript(cases: readonly WindowCase[]): Promise<void> {
  const inSql = await periodsInSql(cases);
  expect(inSql).toHaveLength(cases.length);
  const compared = cases.map((windowCase, position) => ({ ...windowCase, ...inSql[position] }));
  expect(compared).toEqual(cases.map(({ now, rule }) => ({ now, rule, ...periodAt(now, rule) })));
}

describe("SQL and TypeScript agree on every period", () => {
  it("from 1990 to 2025, beside clock changes, at month ends and on the edges of periods", async () => {
    const batch = fc.array(windowCase(), { minLength: 1, maxLength: 200, size: "max" });
    await fc.assert(fc.asyncProperty(batch, expectSqlEqualsTypeScript), { numRuns: 20 });
  });

  it("over centuries, in zones whose clock never changes", async () => {
    const instant = fc.date({
      min: new Date("1950-01-01T00:00:00Z"),
      max: new Date("2900-01-01T00:00:00Z"),
      noInvalidDate: true,
    });
    const rule = fc.record({
      unit: fc.constantFrom("day" as const, "week" as const, "month" as const, "year" as const),
      anchor: fc.option(instant),
      timeZone: fc.constantFrom("UTC", "Asia/Kolkata", "Etc/GMT+12"),
    });
    const batch = fc.array(fc.record({ now: instant, rule }), { minLength: 1, maxLength: 200, size: "max" });
    await fc.assert(fc.asyncProperty(batch, expectSqlEqualsTypeScript), { numRuns: 10 });
  });

  it("in every zone that this runtime lists", async () => {
    const zones = Intl.supportedValuesOf("timeZone");
    expect(zones.filter((name) => !isTimeZone(name))).toEqual([]);
    const known = await owner<{ name: string }[]>`select name from pg_timezone_names`;
    const knownNames = new Set(known.map(({ name }) => name));
    expect(zones.filter((name) => !knownNames.has(name))).toEqual([]);
    // January and July from 1990 to 2023: later years changed within the last releases of the tz data.
    const instants = Array.from({ length: 68 }, (_, half) => new Date(Date.UTC(1990, half * 6, 15, 12)));
    const cases = zones.flatMap((timeZone) =>
      instants.map((now) => ({ now, rule: { unit: "day" as const, anchor: null, timeZone } })),
    );
    await expectSqlEqualsTypeScript(cases);
  });
});

describe("ledger_period_at", () => {
  const berlinDay: WindowCase = {
    now: new Date("2026-03-29T12:00:00.000Z"),
    rule: { unit: "day", anchor: null, timeZone: "Europe/Berlin" },
  };
  const shortDay: Period = {
    startsAt: new Date("2026-03-28T23:00:00.000Z"),
    endsAt: new Date("2026-03-29T22:00:00.000Z"),
  };

  it("does not depend on the settings of the session", async () => {
    const anchored = {
      ...berlinDay,
      rule: { ...berlinDay.rule, anchor: new Date("2026-01-01T23:00:00.000Z") },
    };
    await owner.begin(async (tx) => {
      await tx`set local timezone = 'Pacific/Apia'`;
      await tx`set local intervalstyle = 'sql_standard'`;
      await tx`set local datestyle = 'German, DMY'`;
      await tx`create schema shadow`;
      await tx`create function shadow.make_interval(years int = 0, months int = 0, weeks int = 0, days int = 0)
        returns interval language sql as $$ select interval '1 hour' $$`;
      await tx`set local search_path = shadow, pg_catalog, public`;
      expect(await periodsInSql([berlinDay, anchored], tx)).toEqual([shortDay, { ...shortDay }]);
      await tx`drop schema shadow cascade`;
    });
  });

  it("puts the last microsecond before a boundary into the earlier period", async () => {
    const [row] = await owner`
      select ledger_period_at('2026-01-31T23:59:59.999999Z', 'month', null, 'UTC')
        = ledger_period_at('2026-01-01T00:00:00Z', 'month', null, 'UTC') as same`;
    expect(row).toEqual({ same: true });
  });

  it.each([
    ["an abbreviation", "now()", "'day'", "'CET'"],
    ["an offset", "now()", "'day'", "'+02:00'"],
    ["an unknown zone", "now()", "'day'", "'Europe/Nowhere'"],
    ["no zone", "now()", "'day'", "null"],
    ["an unknown unit", "now()", "'hour'", "'UTC'"],
    ["no instant", "null", "'day'", "'UTC'"],
    ["the end of time", "'infinity'", "'day'", "'UTC'"],
  ])("refuses %s", async (_, now, unit, zone) => {
    const call = owner.unsafe(`select * from ledger_period_at(${now}, ${unit}, null, ${zone})`);
    await expect(call).rejects.toMatchObject({ code: "22023" });
  });
});
