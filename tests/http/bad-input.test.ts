import { world } from "@tests/support/world";
import superjson from "superjson";
import { expect, test } from "vitest";
import type { z } from "zod";
import { appRouter } from "@/server/root";
import { call } from "./call";

const { tenant, owner } = await world();
const email = "ada@operator.test";
const ada = { ...(await tenant("ada")), operatorEmails: [email] };
await owner`update users set email = ${email}, email_verified = now()`;

interface Procedure {
  _def: { inputs: z.ZodType[] };
}
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, Procedure>);
const withInput = procedures.filter(([, procedure]) => procedure._def.inputs.length > 0);

/** One good input for every procedure that takes one: what the bad values are planted into. */
const GOOD: Record<string, Record<string, unknown>> = {
  "quota.check": { feature: "compute", units: 1 },
  "quota.consume": { feature: "compute", units: 1, key: "k", properties: { a: "b" } },
  "quota.reserve": { feature: "compute", units: 1, key: "k", expiresInSeconds: 60, overflow: "cap" },
  "quota.commit": { holdId: "ent_0", units: 1 },
  "quota.releaseHold": { holdId: "ent_0" },
  "quota.release": { feature: "channels", units: 1, key: "k" },
  "quota.acquireLease": { feature: "calls", key: "k", expiresInSeconds: 60, properties: { a: "b" } },
  "quota.heartbeat": { leaseId: "lea_0" },
  "quota.releaseLease": { leaseId: "lea_0" },
  "quota.explain": { entryId: "ent_0" },
  "quota.estimate": { feature: "compute" },
  "quota.setSpendCap": { feature: "compute", capMinor: 5_000 },
  "quota.history": { feature: "compute", days: 30 },
  "credits.balance": { unit: "credits" },
  "credits.history": {
    unit: "credits",
    group: "spent",
    from: "2026-01-01",
    to: "2026-01-31",
    cursor: "ent_0:0",
    limit: 10,
  },
  "credits.statement": { unit: "credits", month: "2026-01" },
  "credits.lifetime": { unit: "credits" },
  "credits.ledger": { cursor: "ent_0", limit: 10, feature: "compute" },
  "credits.redeem": { code: "CODE-1" },
  "operator.orders": { cursor: "ord_0", limit: 10 },
  "operator.grant": {
    credits: 1,
    kind: "promo",
    expiresAt: new Date("2026-12-31T00:00:00Z"),
    reason: "r",
    key: "k",
  },
  "operator.compensate": { credits: 1, reason: "r", key: "k" },
  "operator.correct": { credits: 1, lotId: "lot_0", reason: "r", key: "k" },
  "operator.webhooks": { status: "done", type: "invoice.", provider: "stripe" },
  "operator.replayWebhooks": { status: "quarantined", type: "invoice.", reason: "r", key: "k" },
  "operator.rehearsePlan": { to: "pro@1" },
  "operator.rehearsedTenants": { to: "pro@1", after: "ten_0", limit: 10 },
  "operator.movePlan": { from: "pro@1", to: "pro@2", share: 10, noticeDays: 1, reason: "r", key: "k" },
  "operator.undoMove": { moveId: "mov_0", reason: "r", key: "k" },
  "operator.planMoves": { before: "mov_0" },
  "operator.planMove": { moveId: "mov_0", after: "ten_0" },
  "operator.keepVersion": { version: "pro@1", reason: "r", key: "k" },
  "operator.unkeepVersion": { version: "pro@1", reason: "r", key: "k" },
  "operator.drift": { state: "open", before: "dri_0" },
  "operator.dunning": { after: "2026-01-31T00:00:00.000Z|in_0" },
  "operator.refundOrder": { orderId: "ord_0", amountMinor: 1, reason: "r", key: "k" },
  "operator.invoices": { cursor: "in_0", limit: 10 },
  "operator.invoice": {
    lines: [{ name: "Setup", amountMinor: 100, quantity: 1 }],
    dueInDays: 14,
    reason: "r",
    key: "k",
  },
  "operator.voidInvoice": { invoiceId: "in_0", reason: "r", key: "k" },
  "operator.creditInvoice": {
    invoiceId: "in_0",
    amountMinor: 1,
    give: "balance",
    memo: "m",
    plan: "keep",
    reason: "r",
    key: "k",
  },
  "operator.ledger": { cursor: "ent_0", limit: 10, feature: "compute" },
  "operator.refundUsage": { entryId: "ent_0", units: 1, lapsed: "forfeit", reason: "r", key: "k" },
  "operator.setOverride": {
    feature: "compute",
    limit: 1,
    expiresAt: new Date("2026-12-31T00:00:00Z"),
    reason: "r",
    key: "k",
  },
  "operator.endOverride": { feature: "compute", reason: "r", key: "k" },
  "operator.suspend": { reason: "r", key: "k" },
  "operator.unsuspend": { reason: "r", key: "k" },
  "operator.setTimeZone": { timeZone: "Europe/Berlin", reason: "r", key: "k" },
  "operator.codes": { before: "CODE-1" },
  "operator.createCode": { code: "CODE-1", credits: 1, maxRedemptions: 1, reason: "r", key: "k" },
  "operator.endCode": { code: "CODE-1", reason: "r", key: "k" },
  "operator.awaited": { before: "awc_0" },
  "operator.awaitCredits": { email: "a@b.test", credits: 1, reason: "r", key: "k" },
  "operator.withdrawAwaited": { id: "awc_0", reason: "r", key: "k" },
  "notifications.list": { cursor: "msg_0", limit: 10 },
  "notifications.markRead": { messageId: "msg_0", andOlder: true },
  "notifications.setPreference": { topic: "usage", mail: false },
  "trials.start": {},
  "trials.run": { units: 1, key: "k" },
  "runs.start": { name: "run", computeUnits: 1 },
  "channels.create": { name: "general" },
  "channels.remove": { id: "chn_0" },
  "accounts.apiKeys.create": { name: "key" },
  "accounts.apiKeys.revoke": { id: "key_0" },
  "billing.checkout": { plan: "pro", interval: "month" },
  "billing.previewCheckout": { plan: "pro", interval: "month", begins: "now" },
  "billing.orders": { cursor: "ord_0", limit: 10 },
  "billing.order": { orderId: "ord_0" },
  "billing.setAutoTopUp": { enabled: true, threshold: 10, pack: "credits_100", monthlyCapMinor: 1_000 },
  "billing.completeReturn": { sessionId: "cs_test_0" },
  "billing.previewChange": { plan: "pro", interval: "month" },
  "billing.changePlan": { plan: "pro", interval: "month", preview: "1.0.0123456789abcdef" },
  "billing.redeemPromotionCode": { code: "SPRING" },
  "billing.pause": { until: new Date("2026-12-31T00:00:00Z") },
  "billing.cancel": { when: "period_end", reason: "other", comment: "c" },
  "billing.invoices": { cursor: "in_0", limit: 10 },
  "billing.invoice": { invoiceId: "in_0" },
  "billing.setDefaultPaymentMethod": { id: "pm_0" },
  "billing.removePaymentMethod": { id: "pm_0" },
  "billing.updateDetails": {
    name: "Ada",
    email: "ada@firm.test",
    address: { line1: "1 Lane", city: "London", postalCode: "N1", country: "GB" },
  },
  "billing.addTaxId": { type: "eu_vat", value: "DE123456789" },
  "billing.removeTaxId": { id: "txi_0" },
};

const BAD: unknown[] = [
  null,
  undefined,
  true,
  "",
  " ",
  "x".repeat(1_000_000),
  "\u0000",
  "'; drop table entries; --",
  "١",
  "1",
  "1e3",
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  2 ** 63,
  1e21,
  -0,
  10n ** 20n,
  [],
  [1],
  {},
  { $gt: 0 },
  { __proto__: { admin: true } },
  new Date(Number.NaN),
  new Date(),
  new Map(),
  "teleport",
  "constructor",
  "__proto__",
];

/** What arrives: an invalid Date, for one, does not survive JSON as such. */
const overTheWire = (input: unknown): unknown => superjson.parse(superjson.stringify(input));

async function fingerprint(): Promise<string> {
  const tables =
    await owner`select table_name as name from information_schema.tables where table_schema = 'public' order by 1`;
  const sums = await Promise.all(
    tables.map(
      ({ name }) =>
        owner`select md5(coalesce(string_agg(t::text, ' ' order by t::text), '')) as sum from ${owner(String(name))} t`,
    ),
  );
  return sums.map((rows) => rows[0]!.sum).join();
}

test("every procedure that takes an input has a good one here", () => {
  expect(Object.keys(GOOD).sort()).toEqual(withInput.map(([path]) => path).sort());
});

test.each(withInput)(
  "%s: bad input is a typed 4xx, changes no row, and is never our fault",
  async (path, procedure) => {
    const good = GOOD[path]!;
    const planted = Object.keys(good).flatMap((field) => BAD.map((value) => ({ ...good, [field]: value })));
    const extra = [
      { ...good, tenantId: "ten_other" },
      { ...good, role: "owner" },
      { ...good, balance: 1e9 },
    ];
    let refused = 0;
    const before = await fingerprint();
    for (const input of [...BAD, ...planted, ...extra]) {
      const isBad = procedure._def.inputs.some((schema) => !schema.safeParse(overTheWire(input)).success);
      if (!isBad) continue;
      const answer = await call(ada, path, input);
      expect
        .soft(
          answer.status,
          `${path} ${String(JSON.stringify(input, (_k, v) => (typeof v === "bigint" ? `${v}n` : v))).slice(0, 120)}`,
        )
        .toBe(400);
      expect(answer.error?.data.code).toBe("BAD_REQUEST");
      expect(JSON.stringify(answer.error).length).toBeLessThan(3_000);
      refused += 1;
    }
    expect(await fingerprint()).toBe(before);
    expect(refused).toBeGreaterThan(BAD.length / 2);
  },
);

test.each([
  ["quota.check", { feature: "teleport" }],
  ["quota.consume", { feature: "teleport" }],
  ["quota.consume", { feature: "constructor" }],
  ["quota.consume", { feature: "sso" }],
  ["quota.history", { feature: "upload_mb" }],
  ["quota.reserve", { feature: "channels" }],
  ["quota.commit", { holdId: "ent_nobody" }],
  ["quota.releaseHold", { holdId: "ent_nobody" }],
  ["quota.release", { feature: "compute", key: "k" }],
  ["quota.release", { feature: "channels", units: 1, key: "k" }],
  ["quota.acquireLease", { feature: "compute", key: "k" }],
  ["quota.heartbeat", { leaseId: "lea_nobody" }],
  ["quota.releaseLease", { leaseId: "lea_nobody" }],
  ["quota.explain", { entryId: "ent_nobody" }],
  ["quota.estimate", { feature: "sso" }],
  ["quota.setSpendCap", { feature: "compute", capMinor: 100 }],
  ["operator.correct", { credits: 1, lotId: "lot_nobody", reason: "r", key: "k" }],
  ["operator.correct", { credits: 1, lotId: "\u0000", reason: "r", key: "k" }],
  ["operator.grant", { credits: 1, kind: "promo", reason: "a\u0000b", key: "k" }],
  ["operator.refundOrder", { orderId: "ord_nobody", reason: "r", key: "k" }],
  ["operator.refundUsage", { entryId: "ent_nobody", reason: "r", key: "k" }],
  ["operator.setOverride", { feature: "teleport", limit: 1, reason: "r", key: "k" }],
  ["operator.endOverride", { feature: "compute", reason: "r", key: "k" }],
  ["operator.endCode", { code: "NOBODY", reason: "r", key: "k" }],
  ["operator.withdrawAwaited", { id: "awc_nobody", reason: "r", key: "k" }],
  ["channels.remove", { id: "chn_nobody" }],
  ["accounts.apiKeys.revoke", { id: "key_nobody" }],
])("%s %j: what does not exist is a typed 4xx and changes no row", async (path, input) => {
  const before = await fingerprint();
  const answer = await call(ada, path, input);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.status).toBeLessThan(500);
  expect(answer.error?.data.appCode).toBeTruthy();
  expect(await fingerprint()).toBe(before);
});

test("Object.prototype stays clean", () => {
  expect(({} as Record<string, unknown>).admin).toBeUndefined();
});
