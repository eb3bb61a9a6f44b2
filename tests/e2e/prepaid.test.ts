import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { arrived, mailsTo, open, payWith, runCron, signUp } from "./steps";

const app = inject("app");

const HOUR_MS = 3_600_000;

test("a plan that is paid ahead and credits in one checkout, its end on the page, what would follow it, and the mail before it", async () => {
  const { page, context, problems } = await newVisitor();
  const email = "perry@example.com";
  const slug = await signUp(page, app, email);

  await open(page, `${app.url}/${slug}/credits`);
  await page.getByRole("radio", { name: /^100 credits/ }).click();
  await page.getByRole("combobox", { name: "Together with a plan" }).click();
  await page.getByRole("option", { name: "Pass, 30 days: $20.00" }).click();
  await page.getByRole("button", { name: "Pay $25" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pass" }).waitFor();
  await arrived(page);
  await page.getByRole("link", { name: "See the receipt" }).click();
  const dialog = page.getByRole("dialog");
  for (const text of ["Pass, 30 days", "100 credits", "$25.00"])
    await dialog.getByText(text).first().waitFor();

  await open(page, `${app.url}/${slug}/billing`);
  const endsAt = await endOf(page, slug);
  await page.getByText(`Pass is paid for until ${dayOf(endsAt)}`).waitFor();
  await page.getByRole("button", { name: `Extend to ${dayOf(later(endsAt, 30 * 24))}` }).click();
  await dialog.getByText(`Pass is paid for until ${dayOf(later(endsAt, 30 * 24))}.`).waitFor();
  await dialog.getByRole("button", { name: "Not now" }).click();
  await page.getByRole("button", { name: "Subscribe to Pro" }).click();
  await dialog
    .getByText(`The subscription begins on ${dayOf(endsAt)}. $15.00 is charged`, { exact: false })
    .waitFor();
  await dialog.getByRole("radio", { name: /^Now/ }).click();
  await dialog.getByText("Your days of Pass wait", { exact: false }).waitFor();
  await dialog.getByRole("button", { name: "Not now" }).click();

  await open(page, `${app.url}/${slug}`);
  const plan = page.getByRole("region", { name: "Plan" });
  await plan.getByText("Paid ahead").waitFor();
  await plan.getByText(`Ends ${dayOf(endsAt)}`).waitFor();

  await moveClock(later(endsAt, -60));
  await runCron(app, "forecast");
  await runCron(app, "notifications");
  await expect.poll(() => mailsTo(app, email), { timeout: 20_000 }).toContain("Pass ends in 3 days");
  expect(problems).toEqual([]);
  await context.close();
});

const later = (at: Date, hours: number) => new Date(at.getTime() + hours * HOUR_MS);
/** As the page writes it, in the workspace's time zone. */
const dayOf = (at: Date) =>
  at.toLocaleDateString("en-US", { timeZone: "UTC", month: "short", day: "numeric", year: "numeric" });

async function endOf(page: Page, workspace: string): Promise<Date> {
  const answer = await page.request.get(`${app.url}/api/trpc/billing.paidDays`, {
    headers: { "x-workspace": workspace },
  });
  return new Date((await answer.json()).result.data.json.endsAt);
}

/** The one clock of this world: of the app, of cron, and of Stripe. */
async function moveClock(date: Date): Promise<void> {
  const answer = await fetch(`${app.stripeUrl}/__sim/advance`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ date }),
  });
  expect(answer.status).toBe(200);
}
