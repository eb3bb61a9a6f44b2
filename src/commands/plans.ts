import { formatMoney } from "@/lib/money";
import { type Ctx, createCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { rehearsedTenants, rehearsePlan } from "@/server/plan-moves/rehearse-plan";
import type { TenantRehearsal } from "@/server/plan-moves/rehearse-tenant";
import { runtime } from "@/server/runtime";
import { compareWithList } from "@/server/stripe/compare";
import { pushPrices } from "@/server/stripe/push";
import { registerWebhookEndpoint } from "@/server/sync/webhook-endpoint";
import { loadRunningEnvironment } from "./dev/files";

/**
 * `npm run plans`: how the price list differs from what was sold and from what Stripe knows. Reads only.
 * `npm run plans -- push`: makes the missing plan versions and prices. Tenants stay on their version.
 * `npm run plans -- rehearse pro@4`: what that version would mean for everyone who is on another one. Reads only.
 * `npm run plans -- endpoint`: registers the webhook endpoint of APP_URL, or brings its events up to date.
 */
async function main(): Promise<void> {
  loadRunningEnvironment();
  const ctx = createCtx(runtime(), { kind: "system", reason: "plans" });
  const [, , command, version] = process.argv;
  try {
    if (command === "push") await push(ctx);
    else if (command === "rehearse") await rehearse(ctx, version ?? "");
    else if (command === "endpoint") await registerEndpoint(ctx);
    else await show(ctx);
  } finally {
    await ctx.db.close();
  }
}

async function show(ctx: Ctx): Promise<void> {
  const { plans, prices } = await compareWithList(ctx);
  for (const { version, soldAs, isNew, changes } of plans) {
    const state = !isNew ? "sold already" : soldAs ? `new, after ${soldAs}` : "new";
    console.log(`${version.padEnd(24)} ${state}`);
    for (const change of changes) console.log(`    ${change}`);
  }
  console.log("");
  for (const { lookupKey, price, interval, atStripe } of prices) {
    const amount = `${formatMoney(price)}${interval ? ` a ${interval}` : ""}`;
    console.log(`${lookupKey.padEnd(36)} ${amount.padEnd(20)} Stripe: ${atStripe}`);
  }
  const isDone =
    plans.every(({ isNew }) => !isNew) && prices.every(({ atStripe }) => atStripe === "in place");
  console.log(isDone ? "\nEverything is in place." : "\nnpm run plans -- push makes what is new or missing.");
}

async function push(ctx: Ctx): Promise<void> {
  const { made, kept } = await pushPrices(ctx);
  for (const lookupKey of made) console.log(`made  ${lookupKey}`);
  console.log(`${made.length} price(s) made, ${kept.length} were there already.`);
}

async function rehearse(ctx: Ctx, to: string): Promise<void> {
  const { summary, unknown } = await rehearsePlan(ctx, { to });
  console.log(summary);
  if (unknown.length > 0)
    console.log(`Not known, since using it leaves no trace: who would have met ${unknown.join(", ")}.`);
  for (let after: string | null = ""; after !== null; ) {
    const page: Awaited<ReturnType<typeof rehearsedTenants>> = await rehearsedTenants(ctx, { to, after });
    for (const one of page.workspaces) console.log(inOneLine(one, ctx.prices.currency));
    after = page.next;
  }
}

function inOneLine(
  { workspace, from, beforeMinor, afterMinor, hits, loses }: TenantRehearsal,
  currency: string,
) {
  const money = (amountMinor: bigint) => formatMoney({ amountMinor, currency });
  const price =
    afterMinor === null ? "not sold that way" : `${money(beforeMinor)} → ${money(afterMinor)} a month`;
  const met = hits.map(({ feature, units, limit }) => `${feature}: ${units} of ${limit}`);
  return [`${workspace.padEnd(24)} ${from}  ${price}`, ...met, ...loses.map((id) => `no ${id}`)].join("; ");
}

/** The secret is said here and nowhere else: Stripe shows it once. */
async function registerEndpoint(ctx: Ctx): Promise<void> {
  const { id, url, outcome, secret, outdated } = await registerWebhookEndpoint(ctx);
  console.log(`${outcome}  ${id}  ${url}`);
  if (secret) console.log(`\nSTRIPE_WEBHOOK_SECRET=${secret}`);
  if (outcome === "replaced")
    console.log("Keep the former secret in STRIPE_WEBHOOK_SECRET_PREVIOUS for now.");
  for (const old of outdated)
    console.log(`${old} tells events in another API version: delete it once the new one works.`);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof AppError && error.hint) console.error(error.hint);
  process.exitCode = 1;
}
