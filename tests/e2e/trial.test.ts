import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { ready, signUp } from "./steps";

const app = inject("app");

async function run(page: Page, credits: number): Promise<void> {
  await page.getByLabel("Cost in credits").fill(String(credits));
  await page.getByRole("button", { name: "Start run" }).click();
}

test("a visitor tries it, spends, comes back, runs short, signs up, and finds what was left", async () => {
  const { page, context, problems } = await newVisitor();
  await page.goto(app.url);
  await page.getByRole("link", { name: "Try it without an account" }).click();
  await page.waitForURL("**/try");
  await ready(page);
  await page.getByRole("button", { name: "Start without an account" }).click();
  await run(page, 5);
  await page.getByText("5 credits spent, 20 credits left.").waitFor();
  expect(problems).toEqual([]);
  await page.reload();
  await ready(page);
  await page
    .getByRole("progressbar", { name: "Credits: 5 credits of 25 credits" })
    .waitFor({ state: "attached" });
  await run(page, 21);
  await page.getByText("Your trial has no credits left for this.").waitFor();
  await page.getByText("Keep your 20 credits").waitFor();
  const slug = await signUp(page, app, "trying@example.com");
  const answer = await page.request.get(`${app.url}/api/trpc/credits.balance`, {
    headers: { "x-workspace": slug },
  });
  expect(await answer.json()).toMatchObject({ result: { data: { json: { available: 20 } } } });
  await page.goto(`${app.url}/try`);
  await page.getByText("This trial is over").waitFor();
  await context.close();
});
