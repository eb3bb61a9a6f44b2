import { newTenant, world } from "@tests/support/world";
import { afterEach, expect, test } from "vitest";
import { inTenant } from "@/server/db/transaction";
import { verifyBooks } from "@/server/ledger/books";
import { fulfilOrder } from "@/server/orders/fulfil-order";
import { placeOrder } from "@/server/orders/place-order";

const { ctx, owner, clock } = await world();
const ada = await newTenant(ctx, "ada");
const lines = [{ kind: "credits" as const, name: "100 credits", credits: 100, amountMinor: 500n }];
const [open, fulfilled] = await inTenant(ada, async (_tx, inner) => [
  await placeOrder(inner, { origin: "checkout", currency: "usd", lines }),
  await placeOrder(inner, { origin: "checkout", currency: "usd", lines }),
]);
const payment = { paymentId: "pi_1", paidAt: clock.now(), totalMinor: 500n, currency: "usd" };
await inTenant(ada, (_tx, inner) => fulfilOrder(inner, fulfilled.id, payment));

const TABLES = ["orders", "order_lines", "lots", "tenant_plans", "meters", "checkouts", "disputes"];
const breached = async () => (await verifyBooks(ctx)).map(({ invariant }) => invariant);

/** As the superuser, with every guard switched off: what a bug, a restore or a curious hand might do. */
async function tamper(statement: string): Promise<void> {
  await owner.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx.unsafe(statement);
  });
}

const columns = async (table: string) =>
  (
    await owner`select quote_ident(column_name) as name from information_schema.columns
      where table_schema = 'public' and table_name = ${table} and is_generated = 'NEVER'`
  )
    .map(({ name }) => name)
    .join(", ");

await owner.unsafe("create schema kept");
for (const table of TABLES) await owner.unsafe(`create table kept.${table} as select * from public.${table}`);

afterEach(async () => {
  for (const table of TABLES) {
    const names = await columns(table);
    await tamper(`delete from ${table}; insert into ${table} (${names}) select ${names} from kept.${table}`);
  }
  expect(await breached()).toEqual([]);
});

test("books of orders that were kept balance", async () => {
  expect(await breached()).toEqual([]);
});

test.each([
  [
    "order: fulfilled by one payment, unless it cost nothing",
    `update orders set payment_id = null where id = '${fulfilled.id}'`,
  ],
  [
    "order: fulfilled or not, as its status says",
    `update orders set status = 'open' where id = '${fulfilled.id}'`,
  ],
  [
    "order: fulfilled or not, as its status says",
    `update orders set status = 'fulfilled' where id = '${open.id}'`,
  ],
  ["order: it sells something", `delete from order_lines where order_id = '${open.id}'`],
  [
    "order: its credits are given when it is fulfilled, all of them and once",
    `update order_lines set credits = 101 where order_id = '${fulfilled.id}'`,
  ],
  [
    "order: its credits are given when it is fulfilled, all of them and once",
    `update lots set source = 'order:${open.id}:1'`,
  ],
  ["order: what it gave, it sold", `update lots set source = 'order:${fulfilled.id}:2'`],
  ["order: what it gave, it sold", `update lots set source = 'order:${fulfilled.id}:compensation'`],
  [
    "order: money back = its refunds and disputes",
    `update orders set money_back_minor = 100 where id = '${fulfilled.id}'`,
  ],
  [
    "order: money back = its refunds and disputes",
    `insert into disputes (tenant_id, order_id, dispute_id, amount_minor, status, reason, opened_at)
     values ('${ada.tenant.id}', '${fulfilled.id}', 'du_1', 500, 'needs_response', 'fraudulent', now())`,
  ],
  [
    "order: credits taken back or owed = the share of its money that is back",
    `update orders set money_back_minor = 250 where id = '${fulfilled.id}'`,
  ],
  [
    "order: credits taken back or owed = the share of its money that is back",
    "update lots set taken_back = 1, remaining = remaining - 1",
  ],
  ["prepaid plan: somebody paid for it", "update tenant_plans set source = 'prepaid'"],
  [
    "checkout: settled if and only if its order is fulfilled",
    `insert into checkouts (tenant_id, id, purpose, item, order_id, status, expires_at, created_by, created_at)
     values ('${ada.tenant.id}', 'chk_1', 'order', 'x', '${fulfilled.id}', 'open', now(), 'x', now())`,
  ],
])("%s", async (invariant, statement) => {
  await tamper(statement);
  expect(await breached()).toContain(invariant);
});
