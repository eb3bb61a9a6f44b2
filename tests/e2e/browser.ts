import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { findBrowser } from "./find-browser";

/** Chromium of the system, quiet: on a closed network its own background calls would only fail. */
export async function openBrowser(): Promise<Browser> {
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

export async function newVisitor(
  browser: Browser,
  options: { width?: number; dark?: boolean } = {},
): Promise<Visitor> {
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
