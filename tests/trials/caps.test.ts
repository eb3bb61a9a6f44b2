import { beforeEach, describe, expect, test } from "vitest";
import { networksOf } from "@/server/accounts/network";
import { jobs } from "@/server/jobs";
import { startTrial } from "@/server/trials/service";
import { world } from "../support/world";
import { newVisitor, outcomes, trialsAddUp, withoutTrial, withTrial } from "./stage";

const scene = await world();
const { owner, clock } = scene;
trialsAddUp(scene);
const on = (terms: Parameters<typeof withTrial>[0]) => ({ ...scene.ctx, prices: withTrial(terms) });
const countOf = async (table: string) =>
  Number((await owner`select count(*) from ${owner(table)}`)[0]!.count);
const begun = async () =>
  Number((await owner`select coalesce(sum(begun), 0) as begun from trial_days`)[0]!.begun);

beforeEach(async () => {
  await owner`truncate trials, trial_spends, trial_networks, trial_days`;
});

describe("one network", () => {
  test("begins as many trials a day as its cap says, also when 50 begin at once", async () => {
    const ctx = on({ perNetworkPerDay: 5 });
    const starts = Array.from({ length: 50 }, () => startTrial(ctx, newVisitor("203.0.113.9")));
    expect(await outcomes(starts)).toEqual({ done: 5, RATE_LIMITED: 45 });
    expect([await countOf("trials"), await begun()]).toEqual([5, 5]);
    expect(await owner`select begun from trial_networks`).toEqual([{ begun: 5 }]);
    await expect(startTrial(ctx, newVisitor("203.0.113.9"))).rejects.toMatchObject({
      code: "RATE_LIMITED",
      message: "No more trials can be started from your network today.",
    });
    expect(await outcomes([startTrial(ctx, newVisitor("203.0.113.10"))])).toEqual({ done: 1 });
  });

  test("begins again the next day, in UTC", async () => {
    const ctx = on({ perNetworkPerDay: 1 });
    clock.set("2026-03-02T23:59:59.999Z");
    const start = () => outcomes([startTrial(ctx, newVisitor("203.0.113.9"))]);
    expect(await start()).toEqual({ done: 1 });
    expect(await start()).toEqual({ RATE_LIMITED: 1 });
    clock.set("2026-03-03T00:00:00.000Z");
    expect(await start()).toEqual({ done: 1 });
  });

  test("is everybody whose address no trusted proxy tells", async () => {
    const ctx = on({ perNetworkPerDay: 3 });
    const starts = Array.from({ length: 10 }, () => startTrial(ctx, { trialId: null, networks: [] }));
    expect(await outcomes(starts)).toEqual({ done: 3, RATE_LIMITED: 7 });
  });
});

describe("whoever holds many IPv6 networks", () => {
  const from = (at: number) => newVisitor(...networksOf(`2001:db8:1:${at.toString(16)}::1`));

  test("begins four times as many in a /56 as in a /64", async () => {
    const ctx = on({ perNetworkPerDay: 2 });
    const starts = Array.from({ length: 40 }, (_, at) => startTrial(ctx, from(at % 20)));
    expect(await outcomes(starts)).toEqual({ done: 8, RATE_LIMITED: 32 });
  });

  test("begins sixteen times as many in a /48, of all its 65,536", async () => {
    const ctx = on({ perNetworkPerDay: 1 });
    const starts = Array.from({ length: 60 }, (_, at) => startTrial(ctx, from(at * 0x100 + at)));
    expect(await outcomes(starts)).toEqual({ done: 16, RATE_LIMITED: 44 });
    const others = ["2001:db8:2::1", "2001:db8:3::1"].map((address) =>
      startTrial(ctx, newVisitor(...networksOf(address))),
    );
    expect(await outcomes(others)).toEqual({ done: 2 });
  });

  test("is counted nowhere when one of the networks is full", async () => {
    const ctx = on({ perNetworkPerDay: 1 });
    await startTrial(ctx, from(1));
    const counts = () => owner`select network, begun from trial_networks order by network`;
    const before = await counts();
    expect(await outcomes([startTrial(ctx, from(1))])).toEqual({ RATE_LIMITED: 1 });
    expect(await counts()).toEqual(before);
    expect([await begun(), await countOf("trials")]).toEqual([1, 1]);
  });
});

describe("everybody together", () => {
  test.each([1, 7, 8, 9, 20])(
    "begin %i a day when that is the ceiling, one after the other",
    async (perDay) => {
      const ctx = on({ perDay });
      for (let at = 0; at < perDay; at += 1) await startTrial(ctx, newVisitor());
      await expect(startTrial(ctx, newVisitor())).rejects.toMatchObject({
        code: "RATE_LIMITED",
        message: "All of today's trials are taken.",
        advice: "Sign up for free, or come back tomorrow.",
      });
      expect([await begun(), await countOf("trials")]).toEqual([perDay, perDay]);
    },
  );

  test.each([1, 5, 20, 37])("begin %i when 60 come at once, no more and no less", async (perDay) => {
    const ctx = on({ perDay });
    const starts = Array.from({ length: 60 }, () => startTrial(ctx, newVisitor()));
    expect(await outcomes(starts)).toEqual({ done: perDay, RATE_LIMITED: 60 - perDay });
    expect([await begun(), await countOf("trials")]).toEqual([perDay, perDay]);
  });

  test("use up no network's own trials once the day's are taken", async () => {
    const full = on({ perDay: 1 });
    await startTrial(full, newVisitor());
    await outcomes(Array.from({ length: 10 }, () => startTrial(full, newVisitor("203.0.113.9"))));
    const more = on({ perDay: 100, perNetworkPerDay: 1 });
    expect(await outcomes([startTrial(more, newVisitor("203.0.113.9"))])).toEqual({ done: 1 });
  });
});

test("a price list that sets no limit worth the name is taken at its word", async () => {
  const boundless = on({ perDay: Number.MAX_SAFE_INTEGER, perNetworkPerDay: 2 ** 48 });
  const visitor = newVisitor(...networksOf("2001:db8:9::1"));
  expect(await outcomes([startTrial(boundless, visitor), startTrial(boundless, visitor)])).toEqual({
    done: 2,
  });
});

test("without a trial in the price list nobody begins one", async () => {
  const ctx = { ...scene.ctx, prices: withoutTrial() };
  await expect(startTrial(ctx, newVisitor())).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect([await countOf("trials"), await countOf("trial_networks")]).toEqual([0, 0]);
});

describe("what is kept of an address", () => {
  const address = "2001:db8:77:1234::1";
  const hashes = async () =>
    (await owner`select network from trial_networks order by 1`).map((row) => String(row.network));

  test("is no address, and another hash every day", async () => {
    const ctx = on({});
    await startTrial(ctx, newVisitor(...networksOf(address)));
    const first = await hashes();
    await owner`delete from trial_networks`;
    clock.advance({ days: 1 });
    await startTrial(ctx, newVisitor(...networksOf(address)));
    const second = await hashes();
    expect([first.length, second.length, new Set([...first, ...second]).size]).toEqual([3, 3, 6]);
    const dump = await owner`
      select t::text from trials t union all select n::text from trial_networks n union all select d::text from trial_days d`;
    expect(JSON.stringify(dump)).not.toMatch(/2001|db8|1234|77:/);
  });

  test("goes in batches, however many came", async () => {
    await owner`insert into trial_networks select date '2026-01-01', n::text, 1 from generate_series(1, 12000) n`;
    await owner`insert into trials select 'vis_' || n, 1, 1, timestamptz '2026-01-01', timestamptz '2026-01-31' from generate_series(1, 12000) n`;
    clock.set("2026-03-02T12:00:00Z");
    expect(await jobs.reset(on({}))).toMatchObject({ trialsForgotten: 12_000 });
    expect([await countOf("trial_networks"), await countOf("trials")]).toEqual([0, 0]);
  });

  test("is gone after two days, with the day's count; a trial and its spends after 30", async () => {
    clock.set("2026-03-02T12:00:00Z");
    const ctx = on({});
    await startTrial(ctx, newVisitor("203.0.113.9"));
    const left = async () => {
      await jobs.reset(ctx);
      return Promise.all(["trial_networks", "trial_days", "trials"].map(countOf));
    };
    clock.set("2026-03-03T23:59:59Z");
    expect(await left()).toEqual([1, 8, 1]);
    clock.set("2026-03-04T00:00:00Z");
    expect(await left()).toEqual([0, 0, 1]);
    clock.set("2026-04-01T12:00:00Z");
    expect(await left()).toEqual([0, 0, 1]);
    clock.set("2026-04-01T12:00:01Z");
    expect(await left()).toEqual([0, 0, 0]);
    expect(await left()).toEqual([0, 0, 0]);
  });
});
