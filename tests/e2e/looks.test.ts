import { mkdir } from "node:fs/promises";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { newVisitor, openBrowser, type Visitor } from "./browser";
import { open, payWith, signUp, startRun } from "./steps";

const SCREENSHOTS = "tests/e2e/screenshots";
const LOOKS = [
  { look: "light", width: 1280, dark: false },
  { look: "dark", width: 1280, dark: true },
  { look: "phone", width: 390, dark: false },
] as const;
const PAGES = ["", "/usage", "/credits", "/billing", "/runs", "/channels", "/settings"];
const PUBLIC_PAGES = [
  "/",
  "/sign-in",
  "/sign-in/check-mail",
  "/sign-in/confirm?token=t&email=ada%40example.com",
  "/try",
  "/nobody-here/at-all",
];

const app = inject("app");
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
  await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
});

/** Nothing that axe calls serious, nothing wider than the screen; the picture is kept for people to look at. */
async function inspect({ page }: Visitor, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage: true });
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    `${name} is wider than the screen`,
  ).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page: page as never }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`)).toEqual([]);
}

const fileName = (url: string) => url.split("?")[0]!.replaceAll("/", "-").replace(/^-/, "") || "landing";

test.each(LOOKS)("every page is legible and fits in $look", async ({ look, width, dark }) => {
  const visitor = await newVisitor(browser, { width, dark });
  const { page } = visitor;
  for (const url of PUBLIC_PAGES) {
    await page.goto(app.url + url);
    await inspect(visitor, `${look}-${fileName(url)}`);
  }
  await tryIt(visitor, look);
  const slug = await signUp(page, app, `${look}@example.com`);
  await doSomething(page, `${app.url}/${slug}`);
  for (const url of PAGES) {
    await open(page, `${app.url}/${slug}${url}`);
    await inspect(visitor, `${look}-app${url.replace("/", "-")}`);
  }
  await explainSomething(visitor, `${app.url}/${slug}`, look);
  await buySomething(visitor, `${app.url}/${slug}`, look);
  await visitor.context.close();
});

/** What is left is too little for what is bought below. */
async function tryIt(visitor: Visitor, look: string): Promise<void> {
  const { page } = visitor;
  await open(page, `${app.url}/try`);
  await page.getByRole("button", { name: "Start without an account" }).click();
  await page.getByLabel("Cost in credits").fill("20");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.getByText("20 credits spent, 5 credits left.").waitFor();
  await inspect(visitor, `${look}-try-open`);
  await page.getByLabel("Cost in credits").fill("6");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.getByText("Your trial has no credits left for this.").waitFor();
  await inspect(visitor, `${look}-try-short`);
}

/** Pages are judged with something on them. */
async function doSomething(page: Page, workspace: string): Promise<void> {
  await open(page, `${workspace}/runs`);
  await startRun(page, 88);
  await page.getByText("88 % used").waitFor();
}

async function explainSomething(visitor: Visitor, workspace: string, look: string): Promise<void> {
  const { page } = visitor;
  await open(page, `${workspace}/usage`);
  await page.getByText("At this pace you run out on").waitFor();
  await page.getByRole("button", { name: "Compute" }).first().click();
  await page.getByRole("dialog").getByText("88 units came from the allowance.").waitFor();
  await inspect(visitor, `${look}-app-explanation`);
}

/** What is only seen on the way: the prompt at the limit, the checkout, and the page that one comes back to. */
async function buySomething(visitor: Visitor, workspace: string, look: string): Promise<void> {
  const { page } = visitor;
  await open(page, `${workspace}/runs`);
  await startRun(page, 40);
  await page.getByRole("dialog").getByText("Limit reached").waitFor();
  await inspect(visitor, `${look}-app-prompt`);
  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await inspect(visitor, `${look}-checkout`);
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await inspect(visitor, `${look}-app-return`);
}
