import type { Locator, Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { open, payWith, ready, signUp } from "./steps";

const app = inject("app");

/** From the free plan to a paid one, by way of the hosted page. @returns the address of the billing page */
async function subscribe(page: Page, email: string, plan = "Pro"): Promise<string> {
  const slug = await signUp(page, app, email);
  await open(page, `${app.url}/${slug}/billing`);
  await page.getByRole("button", { name: `Upgrade to ${plan}` }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: `You are on ${plan}` }).waitFor();
  await open(page, `${app.url}/${slug}/billing`);
  return `${app.url}/${slug}/billing`;
}

test("a trial ends with an upgrade that shows its exact amount first, a downgrade is scheduled and undone, and a cancellation resumed", async () => {
  const { page, context, problems } = await newVisitor();
  await subscribe(page, "quin@example.com", "Team");
  const dialog = page.getByRole("dialog");
  await page.getByText("Trialing", { exact: true }).waitFor();
  await page.getByText("First payment", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Change to Enterprise" }).click();
  await dialog.getByText("To pay now").waitFor();
  await dialog.getByText("Single sign-on").waitFor();
  // Nothing was paid for the trial, so nothing of it is taken off.
  await dialog.getByRole("button", { name: "Pay $99.00 and change" }).click();
  await page.getByRole("heading", { name: "Plan: Enterprise" }).waitFor();
  await page.getByText("Active", { exact: true }).waitFor();
  const invoices = page.getByRole("region", { name: "Invoices" });
  await invoices.getByText("$99.00", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Change to Pro" }).click();
  await dialog.getByText("Nothing to pay now.", { exact: false }).waitFor();
  await dialog.getByRole("button", { name: "Schedule the change" }).click();
  await page.getByText(/^Pro, paid by the month, from /).waitFor();
  await page.getByRole("heading", { name: "Plan: Enterprise" }).waitFor();
  await page.reload();
  await ready(page);
  await page.getByRole("button", { name: "Undo the change", exact: true }).click();
  await page.getByText(/^Pro, paid by the month, from /).waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await dialog.getByRole("combobox", { name: "Why?" }).click();
  await page.getByRole("option", { name: "We don't use it enough" }).click();
  await dialog.getByRole("button", { name: "Cancel subscription" }).click();
  await page.getByText(/^The subscription ends /).waitFor();
  await page.getByRole("button", { name: "Resume the subscription" }).click();
  await page.getByText(/^The subscription ends /).waitFor({ state: "detached" });

  await invoices.getByRole("button").first().click();
  await dialog.getByText("Total", { exact: true }).waitFor();
  expect(problems).toEqual([]);
  await context.close();
});

test("a card is added, made the default and removed; the last one of a running subscription stays", async () => {
  const { page, context } = await newVisitor({ width: 390 });
  await subscribe(page, "rae@example.com");
  const cards = page.getByRole("group", { name: /^Visa ending in/ });
  await cards.first().waitFor();
  await remove(cards);
  await page.getByText("This is the only payment method of a running subscription.").waitFor();

  await page.getByRole("button", { name: "Add a card" }).click();
  await page.locator("select").first().waitFor();
  await page.locator("form button").first().click();
  await page.waitForURL("**/billing?from=card");
  await ready(page);
  await expect.poll(() => cards.count(), { timeout: 20_000 }).toBe(2);
  const added = cards.filter({ has: page.getByRole("button", { name: "Make default" }) });
  const made = page.waitForResponse((answer) => answer.url().includes("billing.setDefaultPaymentMethod"));
  await added.getByRole("button", { name: "Make default" }).click();
  await made;
  // The list stands in its new order: a click while it moves is lost.
  await page.locator("button[data-loading]").waitFor({ state: "detached" });
  await expect.poll(() => cards.first().getByText("Default").count(), { timeout: 20_000 }).toBe(1);
  await remove(cards.last());
  await expect.poll(() => cards.count(), { timeout: 20_000 }).toBe(1);
  await context.close();
});

/** Asked for once more, by the same button. */
async function remove(card: Locator): Promise<void> {
  await card.getByRole("button", { name: /^Remove / }).click();
  await card.getByRole("button", { name: /^Really remove / }).click();
}
