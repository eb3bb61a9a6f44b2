import { existsSync } from "node:fs";

const PLACES = [
  process.env.CHROME_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/** The system's Chromium or Chrome; CHROME_PATH names another one. */
export function findBrowser(): string | null {
  return PLACES.find((place) => place && existsSync(place)) ?? null;
}

/**
 * Whether the browser tests run here. Without a browser they are left out on a desk, with a word on how to get
 * one; in CI a missing browser is a failure, never a skip.
 */
export function browserTestsRun(): boolean {
  if (findBrowser()) return true;
  if (process.env.CI)
    throw new Error("CI needs Chromium for the browser tests: apt-get install chromium, or set CHROME_PATH.");
  console.warn(
    "\nNo Chromium or Chrome was found, so the browser tests are left out.\nInstall one (Debian: apt-get install chromium) or set CHROME_PATH.\n",
  );
  return false;
}
