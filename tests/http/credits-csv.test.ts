import { world } from "@tests/support/world";
import { expect, test } from "vitest";
import { answerCreditsCsv } from "@/app/api/workspaces/[tenant]/credits.csv/answer";
import { createApiKey } from "@/server/accounts/api-keys";
import type { TenantCtx } from "@/server/context";
import { csvLine } from "@/server/credits/csv";
import { grantCredits } from "@/server/credits/grant-credits";
import { consume } from "@/server/quota/consume";

const { tenant, runtime } = await world();
const ada = await tenant("ada");
const bo = await tenant("bo");

const cookie = (of: TenantCtx) => ({ cookie: of.actor.kind === "user" ? of.actor.userId : "" });
const get = (slug: string, headers: Record<string, string>, query = "") =>
  answerCreditsCsv(
    runtime,
    new Request(`http://app.test/api/workspaces/${slug}/credits.csv${query}`, { headers }),
    slug,
    async (sent) => sent.get("cookie"),
  );
const linesOf = async (response: Response) => (await response.text()).split("\r\n").slice(0, -1);

const HEAD = "time,operation,group,feature,kind,movement,balance_after,owed,source,reason,actor,entry_id";

test("the file has every row once, newest first, and its balances add up from the first line to the last", async () => {
  await grantCredits(ada, { amount: 9_000, kind: "purchase", source: "payment:1" });
  await consume(ada, { feature: "compute", units: 100 });
  await Promise.all(Array.from({ length: 2_300 }, () => consume(ada, { feature: "compute", units: 1 })));
  const response = await get(ada.tenant.slug, cookie(ada));
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
  expect(response.headers.get("content-disposition")).toContain(`${ada.tenant.slug}-credits.csv`);
  const [head, ...lines] = await linesOf(response);
  expect(head).toBe(HEAD);
  const rows = lines.map((line) => line.split(","));
  expect(rows.length).toBe(2_301);
  expect(new Set(rows.map((row) => row[11])).size).toBe(rows.length);
  let balance = 6_700;
  for (const row of rows) {
    expect(Number(row[6])).toBe(balance);
    balance -= Number(row[5]);
  }
  expect(balance).toBe(0);
});

test("the file comes a page at a time, as it is read, and stops when its reader leaves", async () => {
  const reader = (await get(ada.tenant.slug, cookie(ada))).body!.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  expect(first.split("\r\n").length).toBe(1 + 1_000 + 1);
  await reader.cancel();
  expect((await reader.read()).done).toBe(true);
});

test("the file has the filters of the history, and refuses others", async () => {
  const granted = await linesOf(await get(ada.tenant.slug, cookie(ada), "?group=granted"));
  expect(granted).toEqual([
    HEAD,
    expect.stringMatching(/,grant,granted,credits,purchase,9000,9000,0,payment:1,,user:/),
  ]);
  const before = await linesOf(await get(ada.tenant.slug, cookie(ada), "?to=2020-01-01"));
  expect(before).toEqual([HEAD]);
  for (const query of ["?group=all", "?from=yesterday", "?tenantId=ten_1", "?cursor=1", "?unit=%00"])
    expect((await get(ada.tenant.slug, cookie(ada), query)).status).toBe(400);
});

test("the file is for members and API keys of its workspace, from our own pages", async () => {
  const { key } = await createApiKey(ada, { name: "books" });
  const bearer = { authorization: `Bearer ${key}` };
  expect((await get(ada.tenant.slug, bearer)).status).toBe(200);
  expect((await get(bo.tenant.slug, bearer)).status).toBe(404);
  expect((await get(ada.tenant.slug, cookie(bo))).status).toBe(404);
  expect((await get(ada.tenant.slug, {})).status).toBe(401);
  expect((await get(ada.tenant.slug, { authorization: "Bearer no" })).status).toBe(401);
  expect((await get(ada.tenant.slug, { ...cookie(ada), "sec-fetch-site": "cross-site" })).status).toBe(403);
  expect((await get("no-such-workspace", cookie(ada))).status).toBe(404);
});

test("no cell is a formula, and no cell ends early", () => {
  expect(
    csvLine(["=1+1", "+1", "-1", "@sum", "＝1", "\t=1", -5, null, 'say "hi", you', "two\r\nlines", ""]),
  ).toBe(`'=1+1,'+1,'-1,'@sum,'＝1,'\t=1,-5,,"say ""hi"", you","two\r\nlines",\r\n`);
});
