import { formatMoney } from "@/lib/money";
import { compareWithList } from "@/server/billing/compare";
import { pushPrices } from "@/server/billing/push";
import { registerWebhookEndpoint } from "@/server/billing/webhook-endpoint";
import { type Ctx, createCtx } from "@/server/context";
import { AppError } from "@/server/errors";
import { runtime } from "@/server/runtime";
import { loadRunningEnvironment } from "./dev/files";

/**
 * `npm run plans`: how the price list differs from what was sold and from what Stripe knows. Reads only.
 * `npm run plans -- push`: makes the missing plan versions and prices. Tenants stay on their version.
 * `npm run plans -- endpoint`: registers the webhook endpoint of APP_URL, or brings its events up to date.
 */
async function main(): Promise<void> {
  loadRunningEnvironment();
  const ctx = createCtx(runtime(), { kind: "system", reason: "plans" });
  try {
    if (process.argv[2] === "push") await push(ctx);
    else if (process.argv[2] === "endpoint") await registerEndpoint(ctx);
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
