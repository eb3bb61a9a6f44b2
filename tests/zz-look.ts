import { mkdir } from "node:fs/promises";
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";
import { startApp } from "./e2e/app";
import { newVisitor, openBrowser } from "./e2e/browser";

const OUT = "/tmp/explain-looks";
await mkdir(OUT, { recursive: true });
const app = await startApp();
console.log("up", app.url);
const browser = await openBrowser();
async function link(email: string): Promise<string> {
  for (let i = 0; i < 200; i += 1) {
    const text = JSON.stringify(await (await fetch(`${app.mailboxUrl}/api/messages?to=${encodeURIComponent(email)}`)).json());
    const found = /https?:\/\/[^"\\<>\s]+\/sign-in\/confirm\?[^"\\<>\s]+/.exec(text)?.[0]?.replaceAll("&amp;", "&");
    if (found) return found;
    await new Promise((r) => setTimeout(r, 100));
  }
  throw new Error("no mail");
}
async function signUp(page: Page, email: string): Promise<string> {
  page.setDefaultNavigationTimeout(240_000); await page.goto(`${app.url}/sign-in`);
  await page.waitForTimeout(1500);
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.waitForURL("**/sign-in/check-mail**");
  await page.goto(await link(email));
  await page.getByRole("button", { name: `Sign in as ${email}` }).click();
  await page.getByRole("heading", { level: 1, name: /overview/i }).waitFor();
  return new URL(page.url()).pathname.split("/")[1]!;
}
async function shot(page: Page, name: string) {
  await page.waitForTimeout(1200);
  await page.screenshot({ path: `${OUT}/${name}.png`, fullPage: !name.includes("modal") && !name.includes("prompt") });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  const { violations } = await new AxeBuilder({ page: page as never }).analyze();
  console.log(name, "wide", wide, violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id} ${nodes[0]?.html}`));
}
try {
  for (const { look, width, dark } of [
    { look: "light", width: 1280, dark: false },
    { look: "dark", width: 1280, dark: true },
    { look: "phone", width: 390, dark: false },
  ]) {
    const visitor = await newVisitor(browser, { width, dark });
    const { page } = visitor;
    const slug = await signUp(page, `${look}@example.com`);
    const ws = `${app.url}/${slug}`;
    await page.goto(`${ws}/runs`);
    await page.waitForTimeout(2500);
    await page.getByLabel("Cost in compute units").fill("88");
    await page.getByRole("button", { name: "Start run" }).click();
    await page.getByText("88 % used").waitFor();
    await page.goto(ws);
    await shot(page, `${look}-overview`);
    await page.goto(`${ws}/usage`);
    await page.waitForTimeout(1500);
    await shot(page, `${look}-usage`);
    await page.getByRole("button", { name: "Compute" }).first().click();
    await page.getByText("came from the allowance").waitFor();
    await shot(page, `${look}-modal`);
    await page.goto(`${ws}/runs`);
    await page.waitForTimeout(2000);
    await page.getByLabel("Cost in compute units").fill("40");
    await page.getByRole("button", { name: "Start run" }).click();
    await page.getByRole("dialog").getByText("Limit reached").waitFor();
    await shot(page, `${look}-prompt`);
    console.log(look, "problems", visitor.problems);
    await visitor.context.close();
  }
} catch (error) {
  console.log("FAILED", error, app.output().slice(-3000));
} finally {
  await browser.close();
  await app.stop();
}
