import { QueryClient } from "@tanstack/react-query";
import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { STANDINGS_HEADER } from "@/lib/standings";
import { type QuotaStatus, status } from "@/server/quota/status";
import { followStandings } from "@/trpc/follow-standings";

const { tenant } = await world();
const known = await status(await tenant("ada"));
const statusKey = ["quota", "status"];
const { resetsAt } = known.meters.find(({ feature }) => feature === "compute")!;
const compute = (said: string) => `"compute";limit=100;resets=${resetsAt?.getTime()};${said}`;
const ledgerKey = ["credits", "ledger"];
const balanceKey = ["credits", "balance"];

function page() {
  const queries = new QueryClient();
  queries.setQueryData(statusKey, known, { updatedAt: 1_000 });
  queries.setQueryData(ledgerKey, []);
  queries.setQueryData(balanceKey, { available: 40 });
  const follow = followStandings({
    queries,
    statusKey,
    stale: [{ queryKey: ledgerKey }],
    staleByLots: [{ queryKey: balanceKey }],
  });
  const stale = (key: readonly string[]) => queries.getQueryState(key)?.isInvalidated;
  const used = (feature: string) =>
    queries.getQueryData<QuotaStatus>(statusKey)?.meters.find((meter) => meter.feature === feature)?.used;
  return {
    queries,
    used,
    stale,
    hear: (header: string) => follow(new Headers({ [STANDINGS_HEADER]: header })),
  };
}

test("an answer moves every meter that it speaks of, and no other", () => {
  const { used, hear, queries, stale } = page();
  hear(`${compute("used=85;at=5")}, "channels";used=2;limit=5;at=5`);
  expect([used("compute"), used("channels"), used("messages")]).toEqual([85, 2, 0]);
  expect(queries.getQueryState(statusKey)).toMatchObject({ dataUpdatedAt: 1_000, isInvalidated: false });
  expect(stale(ledgerKey)).toBe(true);
});

test("answers that overtake each other leave the newest one standing", () => {
  const { used, hear } = page();
  hear(compute("used=20;at=7"));
  hear(`${compute("used=10;at=6")}, "channels";used=1;limit=5;at=6`);
  expect([used("compute"), used("channels")]).toEqual([20, 1]);
  hear(compute("used=5;at=7"));
  expect(used("compute")).toBe(5);
});

test("an answer without a word on limits changes nothing; a refusal leaves the past as it is", () => {
  const { queries, hear, used, stale } = page();
  hear("");
  expect(queries.getQueryData(statusKey)).toBe(known);
  hear(compute("used=0;at=5;blocked=1"));
  expect(used("compute")).toBe(0);
  expect([stale(ledgerKey), stale(balanceKey)]).toEqual([false, false]);
});

test.each([
  ["a call within the allowance", compute("used=85;at=5"), false],
  ["a place of a level", '"channels";used=2;limit=5;at=5', false],
  ["a hold settled within the allowance", compute("used=15;settled;at=5"), false],
  ["a call that credits paid for", compute("used=100;credits=3;beyond=3;at=5"), true],
  ["a call that an extra lot paid for", compute("used=100;lots=3;beyond=3;at=5"), true],
  ["credits that were given back", compute("used=100;credits=-3;settled;at=5"), true],
  ["the first call of a window that nobody knew of", '"compute";used=1;limit=100;resets=1;at=5', true],
  ["a settling of what nobody knew", '"teleport";used=1;settled;at=5', true],
])("credits are asked for again only when they may have moved: %s", (_, said, asked) => {
  const { hear, stale } = page();
  hear(said);
  expect([stale(ledgerKey), stale(balanceKey)]).toEqual([true, asked]);
});

test("a status that was on its way when the call was answered is asked for again: it may be from before", async () => {
  const { queries, hear } = page();
  const asked: (() => void)[] = [];
  const queryFn = () => new Promise<QuotaStatus>((resolve) => asked.push(() => resolve(known)));
  const running = queries.fetchQuery({ queryKey: statusKey, queryFn, staleTime: 0 }).catch(() => null);
  hear(compute("used=85;at=5"));
  expect(queries.getQueryState(statusKey)?.isInvalidated).toBe(true);
  asked[0]?.();
  await running;
});

test("where nobody looked at the limits yet, nothing is made up", () => {
  const queries = new QueryClient();
  followStandings({ queries, statusKey, stale: [], staleByLots: [] })(
    new Headers({ [STANDINGS_HEADER]: compute("used=1;at=1") }),
  );
  expect(queries.getQueryData(statusKey)).toBeUndefined();
});
