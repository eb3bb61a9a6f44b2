import type { Page } from "playwright-core";
import { expect, type ProvidedContext } from "vitest";
import { CRON_SECRET } from "./app";

type App = ProvidedContext["app"];

/** All mails to an address, as the mail catcher tells them. */
export async function mailsTo(app: App, email: string): Promise<string> {
  const answer = await fetch(`${app.mailboxUrl}/api/messages?to=${encodeURIComponent(email)}`);
  return JSON.stringify(await answer.json());
}

/** One of cron's jobs, at once. */
export async function runCron(app: App, job: string): Promise<void> {
  const headers = { authorization: `Bearer ${CRON_SECRET}` };
  const answer = await fetch(`${app.url}/api/cron/${job}`, { headers });
  expect([job, answer.status]).toEqual([job, 200]);
}

/** The first link of the newest mail to an address, from the mail catcher. */
export async function mailedLink(app: App, email: string): Promise<string> {
  let link: string | undefined;
  await expect
    .poll(
      async () => {
        link = /https?:\/\/[^"\\<>\s]+\/sign-in\/confirm\?[^"\\<>\s]+/
          .exec(await mailsTo(app, email))?.[0]
          ?.replaceAll("&amp;", "&");
        return link;
      },
      { timeout: 20_000, interval: 100 },
    )
    .toBeTruthy();
  return link!;
}

/** From the landing page to the overview of one's own, new workspace, by the link in the mail. @returns its slug */
export async function signUp(page: Page, app: App, email: string): Promise<string> {
  await page.goto(app.url);
  await page.getByRole("link", { name: "Sign in" }).first().click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.waitForURL("**/sign-in/check-mail**");
  await page.goto(await mailedLink(app, email));
  await page.getByRole("button", { name: `Sign in as ${email}` }).click();
  await page.getByRole("heading", { level: 1, name: /overview/i }).waitFor();
  await arrived(page);
  return new URL(page.url()).pathname.split("/")[1]!;
}

/**
 * Waits until the last part of the page is there. Whoever leaves by a link before that breaks it off, and React reports
 * each part that was still on its way as one that the server could not finish.
 */
export async function arrived(page: Page): Promise<void> {
  await page.waitForLoadState("load");
}

export async function startRun(page: Page, units: number): Promise<void> {
  await page.getByLabel("Cost in compute units").fill(String(units));
  await page.getByRole("button", { name: "Start run" }).click();
}

/** Compute units, as the product uses them for whoever is signed in: a run of the demo costs 100 at most. */
export async function useUp(page: Page, app: App, workspace: string, units: number): Promise<void> {
  const answer = await page.request.post(`${app.url}/api/trpc/quota.consume`, {
    headers: { origin: app.url, "x-workspace": workspace },
    data: { json: { feature: "compute", units } },
  });
  expect(answer.status()).toBe(200);
}

/** A bar that says how much is used, e.g. "Compute: 85 units of 100 units". An empty one has no width to be seen. */
export async function waitForBar(page: Page, name: string): Promise<void> {
  await page.getByRole("progressbar", { name }).first().waitFor({ state: "attached" });
}

/** Waits until React answers everywhere: a click that comes earlier is lost, a form is sent by the browser itself. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const elements = [...document.querySelectorAll("main button, main a, main input")];
    const answers = (element: Element) => Object.keys(element).some((key) => key.startsWith("__reactProps"));
    return elements.length > 0 && elements.every(answers);
  });
}

export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await ready(page);
}

export async function payWith(page: Page, card: "4242" | "0002" | "3155"): Promise<void> {
  const option = page.locator("select option", { hasText: card });
  await page
    .locator("select")
    .first()
    .selectOption((await option.first().getAttribute("value")) ?? "");
  await page.getByRole("button", { name: "Pay" }).click();
}
