import type { Page } from "playwright-core";
import { expect, type ProvidedContext } from "vitest";

type App = ProvidedContext["app"];

/** The first link of the newest mail to an address, from the mail catcher. */
export async function mailedLink(app: App, email: string): Promise<string> {
  let link: string | undefined;
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${app.mailboxUrl}/api/messages?to=${encodeURIComponent(email)}`);
        const text = JSON.stringify(await answer.json());
        link = /https?:\/\/[^"\\<>\s]+\/sign-in\/confirm\?[^"\\<>\s]+/
          .exec(text)?.[0]
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
  return new URL(page.url()).pathname.split("/")[1]!;
}

export async function startRun(page: Page, units: number): Promise<void> {
  await page.getByLabel("Cost in compute units").fill(String(units));
  await page.getByRole("button", { name: "Start run" }).click();
}

/** A bar that says how much is used, e.g. "Compute: 85 units of 100 units". An empty one has no width to be seen. */
export async function waitForBar(page: Page, name: string): Promise<void> {
  await page.getByRole("progressbar", { name }).first().waitFor({ state: "attached" });
}

/** Waits until React answers: a click that comes earlier is lost, a form is sent by the browser itself. */
export async function ready(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll("main button, main a")].some((element) =>
      Object.keys(element).some((key) => key.startsWith("__reactProps")),
    ),
  );
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
