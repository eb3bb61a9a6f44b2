import type { Page } from "playwright-core";
import Stripe from "stripe";
import { expect, inject, test } from "vitest";
import { OPERATOR } from "./app";
import { newVisitor } from "./browser";
import { arrived, open, payWith, ready, signUp, startRun, useUp } from "./steps";

const app = inject("app");

test("buys a pack, then an amount with a plan, spends past the allowance, is refunded, and the balance follows", async () => {
  const { page, context, problems } = await newVisitor();
  const slug = await signUp(page, app, "quinn@example.com");
  const credits = `${app.url}/${slug}/credits`;

  await page.getByRole("link", { name: "Credits", exact: true }).first().click();
  await page.waitForURL(credits);
  await available(page, "0");
  await ready(page);
  await page.getByRole("radio", { name: /^100 credits/ }).click();
  await page.getByRole("button", { name: "Pay $5" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "100 credits added" }).waitFor();

  await open(page, credits);
  await available(page, "100");
  await page.getByRole("radio", { name: /^Any amount/ }).click();
  await page.getByLabel("How many").fill("250");
  await page.getByRole("combobox", { name: "Together with a plan" }).click();
  await page.getByRole("option", { name: /^Pro/ }).click();
  await page.getByRole("group", { name: "Order" }).getByText("$27.50").waitFor();
  await page.getByRole("button", { name: "Pay $27.50" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await page.getByText("$27.50").first().waitFor();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await page.getByText("350 credits are available now", { exact: false }).waitFor();

  await arrived(page);
  await page.getByRole("link", { name: "See the receipt" }).click();
  const receipt = page.getByRole("dialog");
  await receipt.getByText("250 credits").waitFor();
  await receipt.getByText("Pro, by the month").waitFor();
  await receipt.getByText("$27.50").waitFor();
  await receipt.getByRole("button", { name: "Close" }).click();

  await useUp(page, app, slug, 2_000);
  await open(page, `${app.url}/${slug}/runs`);
  await page.getByText("the limit is reached").waitFor();
  await startRun(page, 40);
  await page.getByRole("cell", { name: "Nightly build" }).waitFor();
  await open(page, credits);
  await available(page, "310");
  await lots(page, ["60 of 100", "250 of 250"]);
  await expectMovements(page, ["−40", "+250", "+100"], ["310", "350", "100"]);

  await refund(await paymentOf(page, "100 credits"));
  // What was left of the pack is gone with its money, and what was spent of it is owed.
  const owed = async () => {
    await page.goto(credits);
    await page.getByRole("group", { name: "Available" }).waitFor();
    return page.getByText("40 credits are owed").count();
  };
  await expect.poll(owed, { timeout: 60_000, interval: 1_000 }).toBe(1);
  // That page may have been read while the refund was being written: its parts are queries of their own.
  await open(page, credits);
  await available(page, "250");
  await lots(page, ["250 of 250"]);
  await page.getByText("40 had been spent and are owed").waitFor();
  await ready(page);
  await page.getByRole("tab", { name: "Orders" }).click();
  await page.getByRole("table").getByText("Refunded").waitFor();
  await page.getByRole("tab", { name: "Statements" }).click();
  await page.getByRole("row", { name: "Taken back with the money −60" }).waitFor();
  await page.getByRole("row", { name: "Left now 250" }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test("a code that an operator made is redeemed, once", async () => {
  await createCode("WELCOME-25");
  const { page, context } = await newVisitor();
  const slug = await signUp(page, app, "rosa@example.com");
  await open(page, `${app.url}/${slug}/credits`);
  await redeem(page, "welcome-25");
  await page.getByText("25 credits added.").waitFor();
  await available(page, "25");
  await lots(page, ["25 of 25"]);
  await redeem(page, "WELCOME-25");
  await page.getByText("This workspace has used this code.").waitFor();
  await available(page, "25");
  await context.close();
});

async function createCode(code: string): Promise<void> {
  const { page, context } = await newVisitor();
  await signUp(page, app, OPERATOR);
  const answer = await page.request.post(`${app.url}/api/trpc/operator.createCode`, {
    headers: { origin: app.url },
    data: { json: { key: code, code, credits: 25, reason: "For the fair" } },
  });
  expect(answer.status()).toBe(200);
  await context.close();
}

async function redeem(page: Page, code: string): Promise<void> {
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Redeem" }).click();
}

async function available(page: Page, figure: string): Promise<void> {
  await page.getByRole("group", { name: "Available" }).getByText(figure, { exact: true }).waitFor();
}

async function lots(page: Page, left: string[]): Promise<void> {
  const table = page.getByRole("region", { name: "Credits by lot" });
  for (const text of left) await table.getByText(text).waitFor();
  expect(await table.getByRole("row").count()).toBe(1 + left.length);
}

/** The history, newest first: what moved, and what was left after it. */
async function expectMovements(page: Page, moved: string[], after: string[]): Promise<void> {
  const rows = page.getByRole("region", { name: "Credits that came and went" }).locator("tbody tr");
  await rows.first().waitFor();
  const column = (at: number) => rows.locator(`td:nth-child(${at})`).allInnerTexts();
  expect([await column(3), await column(4)]).toEqual([moved, after]);
}

/** As the receipt of that order names it. */
async function paymentOf(page: Page, order: string): Promise<string> {
  await ready(page);
  await page.getByRole("tab", { name: "Orders" }).click();
  await page.getByRole("button", { name: order, exact: true }).click();
  return page.getByRole("dialog").getByText(/^pi_/).innerText();
}

/** As somebody does it in Stripe's dashboard: we hear of it by webhook only. */
async function refund(paymentIntent: string): Promise<void> {
  const { hostname, port } = new URL(app.stripeUrl);
  const stripe = new Stripe("sk_test_sim_local", { host: hostname, port: Number(port), protocol: "http" });
  await stripe.refunds.create({ payment_intent: paymentIntent });
}
