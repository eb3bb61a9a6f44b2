import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { OPERATOR } from "./app";
import { newVisitor, openBrowser } from "./browser";
import { open, signUp } from "./steps";

const app = inject("app");
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
});

test("a code that an operator made is redeemed, once", async () => {
  await createCode("WELCOME-25");
  const { page, context } = await newVisitor(browser);
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
  const { page, context } = await newVisitor(browser);
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
