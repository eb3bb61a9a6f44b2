import { stage } from "@tests/support/stage";
import { expect, test } from "vitest";
import { verifyBooks } from "@/server/ledger/books";
import { topUps } from "@/server/top-ups/jobs";
import { topUp } from "@/server/top-ups/top-up";
import { topUpStage } from "./top-ups";

const made = await stage();
const { ctx, owner } = made;
const { lowTenant, dyingStripe } = topUpStage(made);

const paid = await lowTenant("ada");
await topUps(ctx);
const dying = await lowTenant("bo");
const { stripe, died } = dyingStripe(3, "before");
void topUp({ ...dying, stripe });
await died;

const PAID = paid.tenant.id;
const DYING = dying.tenant.id;

test.each([
  [
    "top-up: paid if and only if its order is fulfilled, by the same payment",
    `update top_up_attempts set status = 'failed' where tenant_id = '${PAID}'`,
    `update top_up_attempts set status = 'paid' where tenant_id = '${PAID}'`,
  ],
  [
    "top-up: paid if and only if its order is fulfilled, by the same payment",
    `update top_up_attempts set payment_id = payment_id || 'x' where tenant_id = '${PAID}'`,
    `update top_up_attempts set payment_id = rtrim(payment_id, 'x') where tenant_id = '${PAID}'`,
  ],
  [
    "top-up: every order of its own has its attempt",
    `insert into orders (tenant_id, id, status, origin, provider, currency, total_minor, created_by, created_at)
       values ('${PAID}', 'ord_x', 'open', 'auto_top_up', 'stripe', 'usd', 1, 'x', now())`,
    "delete from orders where id = 'ord_x'",
  ],
  [
    "top-up: an attempt under way is looked at again",
    `update credit_accounts set top_up_due_at = null where tenant_id = '${DYING}'`,
    `update credit_accounts set top_up_due_at = now() where tenant_id = '${DYING}'`,
  ],
  [
    "top-up: watched at its threshold while it is on, and only then",
    `update credit_accounts set top_up_at = null where tenant_id = '${PAID}'`,
    `update credit_accounts set top_up_at = 50 where tenant_id = '${PAID}'`,
  ],
  [
    "top-up: on or stopped, not both",
    `update auto_top_ups set stopped_at = now() where tenant_id = '${PAID}'`,
    `update auto_top_ups set stopped_at = null where tenant_id = '${PAID}'`,
  ],
])("a breach of «%s» is found", async (invariant, breach, repair) => {
  expect(await verifyBooks(ctx)).toEqual([]);
  await owner.unsafe(breach);
  expect((await verifyBooks(ctx)).map((found) => found.invariant)).toContain(invariant);
  await owner.unsafe(repair);
});
