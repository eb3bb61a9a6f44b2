import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { OPERATOR } from "./app";
import { newVisitor } from "./browser";
import { open, payWith, signUp } from "./steps";

const app = inject("app");

/** The operator's own browser session, and a workspace that is not hers. */
async function operatorOn(workspace: string) {
  const { context, page } = await newVisitor();
  await signUp(page, app, OPERATOR);
  const headers = { origin: app.url, "x-workspace": workspace };
  const answerOf = async (name: string, data?: unknown) => {
    const url = `${app.url}/api/trpc/operator.${name}`;
    const answer = data
      ? await context.request.post(url, { headers, data: { json: data } })
      : await context.request.get(url, { headers });
    expect([answer.status(), name]).toEqual([200, name]);
    return (await answer.json()).result.data.json;
  };
  return { answerOf, close: () => context.close() };
}

test("an operator gives money back and bills something more: the workspace sees both and pays; it says whom invoices are for", async () => {
  const { page, context, problems } = await newVisitor();
  const slug = await signUp(page, app, "sal@example.com");
  const billing = `${app.url}/${slug}/billing`;
  await open(page, billing);
  await sayWho(page);

  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();

  const olga = await operatorOn(slug);
  const [{ id: invoiceId }] = (await olga.answerOf("invoices")).invoices;
  const credit = {
    invoiceId,
    amountMinor: 500,
    memo: "For the outage",
    reason: "asked by mail",
    key: "e2e-1",
  };
  for (let time = 0; time < 2; time += 1) await olga.answerOf("creditInvoice", credit);
  const lines = [{ name: "Setup help", amountMinor: 12_000 }];
  await olga.answerOf("invoice", { lines, dueInDays: 14, reason: "agreed", key: "e2e-2" });
  await olga.close();

  await open(page, billing);
  const invoices = page.getByRole("region", { name: "Invoices" });
  await invoices.getByText("For the outage", { exact: false }).waitFor();
  await invoices.getByText("-$5.00", { exact: true }).waitFor();
  const dialog = page.getByRole("dialog");
  await invoices.getByRole("button").last().click();
  await dialog.getByText(/^Credit note /).waitFor();
  await dialog.getByText(/^Refunded /).waitFor();
  await page.getByRole("heading", { name: "Plan: Pro" }).waitFor();
  await page.keyboard.press("Escape");

  await invoices.getByText(/^Due on /).waitFor();
  await invoices.getByRole("button").first().click();
  await dialog.getByRole("link", { name: "Pay it" }).click();
  await page.getByRole("heading", { name: /^Invoice / }).waitFor();
  await payWith(page, "4242");
  await page.getByRole("status").getByText("paid").waitFor();
  await open(page, billing);
  await invoices.getByText(/^Due on /).waitFor({ state: "detached" });
  // The browser reports the answer to the mistyped tax ID.
  expect(problems.filter((one) => !one.includes("status of 400"))).toEqual([]);
  await context.close();
});

async function sayWho(page: Page): Promise<void> {
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await dialog.getByLabel("Name or company").fill("Sal & Sons");
  await dialog.getByLabel("Mail address").fill("books@sal.example");
  await dialog.getByLabel("Address", { exact: true }).fill("1 Lane");
  await dialog.getByLabel("City").fill("Berlin");
  await dialog.getByRole("combobox", { name: "Country" }).fill("Germ");
  await page.getByRole("option", { name: "Germany" }).click();
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("Sal & Sons").waitFor();
  await page.getByText("Germany", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Add a tax ID" }).click();
  await dialog.getByLabel("Number").fill("DE12");
  await dialog.getByRole("button", { name: "Add it" }).click();
  await dialog.getByText("This is not a valid tax ID of its kind.").waitFor();
  await dialog.getByLabel("Number").fill("DE 123 456 789");
  await dialog.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("group", { name: "DE123456789" }).getByText("Verified").waitFor();
}
