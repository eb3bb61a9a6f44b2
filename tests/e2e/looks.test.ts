import { mkdir } from "node:fs/promises";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { beforeAll, expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { open, payWith, signUp, startRun } from "./steps";

const SCREENSHOTS = "tests/e2e/screenshots";
const LOOKS = [
  { look: "light", width: 1280, height: 900, scheme: "light" },
  { look: "dark", width: 1280, height: 900, scheme: "dark" },
  { look: "phone", width: 390, height: 844, scheme: "light" },
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

beforeAll(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
});

/** A page in every look: what changes with the look follows the browser at once, without another visit. */
async function inspect(page: Page, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  for (const { look, width, height, scheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForFunction(isStill, scheme);
    await judge(page, `${look}-${name}`);
  }
}

/** Our pages note their scheme on the root; Stripe's has none. Colours that are still on their way are nobody's. */
function isStill(scheme: string): boolean {
  const noted = document.documentElement.dataset.mantineColorScheme ?? scheme;
  return noted === scheme && !document.getAnimations().some((one) => one instanceof CSSTransition);
}

/** Nothing that axe calls serious, nothing wider than the screen; the picture is kept for people to look at. */
async function judge(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage: true });
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
    `${name} is wider than the screen`,
  ).toBeLessThanOrEqual(0);
  // No page has frames: the other mode would open a second page for each look at one.
  const { violations } = await new AxeBuilder({ page: page as never }).setLegacyMode().analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${name}: ${id} ${nodes[0]?.html}`)).toEqual([]);
}

const fileName = (url: string) => url.split("?")[0]!.replaceAll("/", "-").replace(/^-/, "") || "landing";

test("every page is legible and fits: in light, in the dark, and on a phone", async () => {
  const { page, context } = await newVisitor();
  for (const url of PUBLIC_PAGES) {
    await page.goto(app.url + url);
    await inspect(page, fileName(url));
  }
  await tryIt(page);
  const slug = await signUp(page, app, "lou@example.com");
  const workspace = `${app.url}/${slug}`;
  await doSomething(page, workspace);
  for (const url of PAGES) {
    await open(page, workspace + url);
    await inspect(page, `app${url.replace("/", "-")}`);
  }
  await explainSomething(page, workspace);
  await buySomething(page, workspace);
  await context.close();
});

/** What is left is too little for what is bought below. */
async function tryIt(page: Page): Promise<void> {
  await open(page, `${app.url}/try`);
  await page.getByRole("button", { name: "Start without an account" }).click();
  await page.getByLabel("Cost in credits").fill("20");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.getByText("20 credits spent, 5 credits left.").waitFor();
  await inspect(page, "try-open");
  await page.getByLabel("Cost in credits").fill("6");
  await page.getByRole("button", { name: "Start run" }).click();
  await page.getByText("Your trial has no credits left for this.").waitFor();
  await inspect(page, "try-short");
}

/** Pages are judged with something on them. */
async function doSomething(page: Page, workspace: string): Promise<void> {
  await open(page, `${workspace}/runs`);
  await startRun(page, 88);
  await page.getByText("88 % used").waitFor();
}

async function explainSomething(page: Page, workspace: string): Promise<void> {
  await open(page, `${workspace}/usage`);
  await page.getByText("At this pace you run out on").waitFor();
  await page.getByRole("button", { name: "Compute" }).first().click();
  await page.getByRole("dialog").getByText("88 units came from the allowance.").waitFor();
  await inspect(page, "app-explanation");
}

/** What is only seen on the way: the prompt at the limit, the checkout, and the page that one comes back to. */
async function buySomething(page: Page, workspace: string): Promise<void> {
  await open(page, `${workspace}/runs`);
  await startRun(page, 40);
  await page.getByRole("dialog").getByText("Limit reached").waitFor();
  await inspect(page, "app-prompt");
  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await inspect(page, "checkout");
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await inspect(page, "app-return");
}
