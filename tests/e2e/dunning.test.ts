import type { Page } from "playwright-core";
import Stripe from "stripe";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { mailsTo, open, payWith, runCron, signUp } from "./steps";

const app = inject("app");
const { hostname, port } = new URL(app.stripeUrl);
const stripe = new Stripe("sk_test_sim_local", { host: hostname, port: Number(port), protocol: "http" });

/** The card has expired, and the next period begins today. */
async function failRenewal(): Promise<void> {
  const [subscription] = (await stripe.subscriptions.list({ limit: 1 })).data;
  const { id, created, default_payment_method: paymentMethod } = subscription!;
  const answer = await fetch(`${app.stripeUrl}/__sim/expire-card`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ paymentMethod, date: new Date(created * 1_000).toISOString() }),
  });
  expect(answer.status).toBe(200);
  const { status } = await stripe.subscriptions.update(id, {
    billing_cycle_anchor: { type: "now" },
    proration_behavior: "none",
  });
  expect(status).toBe("past_due");
}

/** The mails to an address, after cron has sent what waits. */
async function mailed(email: string): Promise<string> {
  await runCron(app, "notifications");
  return mailsTo(app, email);
}

async function payInvoice(page: Page): Promise<void> {
  const opened = page.waitForEvent("popup");
  await page.getByRole("link", { name: "Pay now" }).first().click();
  const invoice = await opened;
  await payWith(invoice, "4242");
  await invoice.getByRole("status").getByText("paid").waitFor();
  await invoice.close();
}

test("a card expires: the mail comes, every page says so, nothing is bought beside it, and paying puts all of it right", async () => {
  const { page, context, problems } = await newVisitor();
  const email = "dora@example.com";
  const slug = await signUp(page, app, email);
  await open(page, `${app.url}/${slug}/billing`);
  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();

  await failRenewal();
  const subject = "Your payment of $15.00 did not go through";
  await expect.poll(() => mailed(email), { timeout: 30_000, interval: 500 }).toContain(subject);
  await open(page, `${app.url}/${slug}/runs`);
  await page.getByText("Your payment of $15 did not go through").waitFor();
  await open(page, `${app.url}/${slug}/billing`);
  await page.getByText("Past due").waitFor();
  const other = page.getByRole("button", { name: "Change to Enterprise" });
  await page.getByRole("button", { name: "Pay what is due first" }).first().waitFor();
  expect(await other.count()).toBe(0);

  await payInvoice(page);
  // By itself, in the page that stayed open.
  await other.waitFor();
  await page.getByText("Active", { exact: true }).waitFor();
  expect(await page.getByText("did not go through").count()).toBe(0);
  await expect
    .poll(() => mailed(email), { timeout: 30_000, interval: 500 })
    .toContain("Invoice paid: $15.00");
  expect(problems).toEqual([]);
  await context.close();
});
