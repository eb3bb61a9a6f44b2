import { type Ctx, createCtx } from "@/server/context";
import { verifyBooks } from "@/server/ledger/books";
import { findAllDrift } from "@/server/reconcile/reconcile";
import { runtime } from "@/server/runtime";
import { loadRunningEnvironment } from "./dev/files";

/**
 * `npm run books`: proves that the books balance, or lists every breach. `npm run books -- --stripe` also compares them
 * with Stripe. Reads only, and exits with 1 when anything is wrong.
 */
async function main(): Promise<boolean> {
  loadRunningEnvironment();
  const ctx = createCtx(runtime(), { kind: "system", reason: "books" });
  try {
    const balance = await proveBooks(ctx);
    return process.argv.includes("--stripe") ? (await compareWithStripe(ctx)) && balance : balance;
  } finally {
    await ctx.db.close();
  }
}

async function proveBooks(ctx: Ctx): Promise<boolean> {
  const breaches = await verifyBooks(ctx);
  for (const { invariant, tenantId, subject, detail } of breaches)
    console.error(`${invariant}  ${tenantId}  ${subject}  ${detail}`);
  console.log(breaches.length === 0 ? "The books balance." : `${breaches.length} breach(es).`);
  return breaches.length === 0;
}

async function compareWithStripe(ctx: Ctx): Promise<boolean> {
  const found = await findAllDrift(ctx);
  for (const { kind, subject, ours, theirs } of found)
    console.error(`${kind}  ${subject}  ours: ${ours}  Stripe: ${theirs}`);
  console.log(
    found.length === 0 ? "Stripe says the same." : `Stripe says ${found.length} thing(s) differently.`,
  );
  return found.length === 0;
}

main().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
