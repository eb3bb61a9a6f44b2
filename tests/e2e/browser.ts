import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll } from "vitest";
import { findBrowser } from "./find-browser";

let opened: Promise<Browser> | null = null;

afterAll(async () => {
  await (await opened)?.close();
  opened = null;
});

/** Chromium of the system, quiet: on a closed network its own background calls would only fail. */
async function launch(): Promise<Browser> {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error("No Chromium or Chrome was found.");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** Errors that the page's console or scripts reported. */
  problems: string[];
}

/** Somebody in a window of their own. The file's browser opens for the first of them, and closes after the last test. */
export async function newVisitor(options: { width?: number; dark?: boolean } = {}): Promise<Visitor> {
  opened ??= launch();
  const browser = await opened;
  const width = options.width ?? 1280;
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 900 },
    colorScheme: options.dark ? "dark" : "light",
  });
  context.setDefaultTimeout(60_000);
  // Whoever comes first to a page waits until it is compiled, beside all that the other tests do.
  context.setDefaultNavigationTimeout(180_000);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return { context, page, problems };
}
