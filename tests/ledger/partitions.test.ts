import { testDatabase } from "@tests/support/database";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { newId } from "@/lib/ids";

const { owner } = await testDatabase();
const TENANT = newId("tenant", new Date());

beforeAll(async () => {
  await owner`insert into tenants values (${TENANT}, 'ada', 'Ada', 'UTC', now())`;
});

async function add(at: string, rows = 1): Promise<void> {
  for (let n = 0; n < rows; n += 1)
    await owner`insert into entries (tenant_id, id, operation, feature, units, actor, created_at)
      values (${TENANT}, ${newId("entry", new Date(at))}, 'deny', 'messages', 1, 'test', ${at}::timestamptz)`;
}

const placeOf = async (month: string) =>
  (
    await owner`select distinct tableoid::regclass::text as place from entries
      where created_at >= ${`${month}-01`}::timestamptz and created_at < ${`${month}-01`}::timestamptz + interval '1 month'`
  ).map(({ place }) => place);
const addPartitions = (from: string, months: number, mostMoved: number) =>
  owner`select ledger_add_partitions(${from}::timestamptz, ${months}, ${mostMoved})`;

test("SQL reads and writes the time of an id as the app does", async () => {
  const instants = fc.sample(
    fc.date({ min: new Date("2020-01-01"), max: new Date("2200-01-01"), noInvalidDate: true }),
    200,
  );
  for (const at of instants) {
    const id = newId("entry", at);
    const [row] =
      await owner`select ledger_entry_bound(${at}) as bound, ledger_time_of(${id}) as at, ${id} >= ledger_entry_bound(${at}) collate "C" as after`;
    expect(id.slice(0, 13)).toBe(String(row?.bound).slice(0, 13));
    expect(row?.at).toEqual(at);
    expect(row?.after).toBe(true);
  }
});

test("a migrated database has a partition for this month and the twelve to come", async () => {
  const [row] = await owner`select count(*)::int as n from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'entries'::regclass and to_date(substr(c.relname, 9), 'YYYY_MM') >= date_trunc('month', now(), 'UTC')::date
      and c.relname ~ '^entries_\\d'`;
  expect(row?.n).toBeGreaterThanOrEqual(12);
});

describe("a month without a partition", () => {
  test("takes entries all the same, and few of them are filed by month, to the millisecond", async () => {
    const edges = ["2023-05-31T23:59:59.999Z", "2023-06-01T00:00:00.000Z", "2023-07-15T00:00:00.000Z"];
    for (const at of edges) await add(at);
    expect(await placeOf("2023-06")).toEqual(["entries_default"]);
    await addPartitions("2024-01-01", 1, 10);
    expect(await placeOf("2023-05")).toEqual(["entries_2023_05"]);
    expect(await placeOf("2023-06")).toEqual(["entries_2023_06"]);
    expect(await placeOf("2023-07")).toEqual(["entries_2023_07"]);
  });

  test("keeps many of them where they are, and the months beside it get theirs", async () => {
    await add("2022-02-10T00:00:00.000Z", 6);
    await addPartitions("2022-01-01", 3, 5);
    expect(await placeOf("2022-02")).toEqual(["entries_default"]);
    await add("2022-01-10T00:00:00.000Z");
    await add("2022-03-10T00:00:00.000Z");
    expect(await placeOf("2022-01")).toEqual(["entries_2022_01"]);
    expect(await placeOf("2022-03")).toEqual(["entries_2022_03"]);
    await addPartitions("2022-01-01", 3, 6);
    expect(await placeOf("2022-02")).toEqual(["entries_2022_02"]);
    const [row] =
      await owner`select count(*)::int as n from entries where created_at < '2023-01-01' and created_at >= '2022-01-01'`;
    expect(row?.n).toBe(8);
  });

  test("an id that no clock made stays in the default partition, and is in nobody's way", async () => {
    await owner`insert into entries (tenant_id, id, operation, feature, units, actor, created_at)
      values (${TENANT}, 'ent_0made', 'deny', 'messages', 1, 'test', '2021-01-01Z'), (${TENANT}, 'ent_zmade', 'deny', 'messages', 1, 'test', '2021-01-01Z')`;
    await addPartitions("2021-01-01", 2, 100);
    await addPartitions("2021-01-01", 2, 100);
    expect(await placeOf("2021-01")).toEqual(["entries_default"]);
  });
});
