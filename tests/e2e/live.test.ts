import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { open, signUp, startRun, waitForBar } from "./steps";

const app = inject("app");

/** The procedures that the page calls from now on, in order. */
function callsOf(page: Page): string[] {
  const calls: string[] = [];
  page.on("request", (request) => {
    const paths = /\/api\/trpc\/([^?]+)/.exec(request.url())?.[1];
    if (paths) calls.push(...decodeURIComponent(paths).split(","));
  });
  return calls;
}

test("meters move with the answer of the call that moved them: nobody asks a second time", async () => {
  const { page, context } = await newVisitor();
  const slug = await signUp(page, app, "rio@example.com");
  await open(page, `${app.url}/${slug}/runs`);
  await waitForBar(page, "Compute: 0 units of 100 units");
  await page.waitForLoadState("networkidle");
  const calls = callsOf(page);

  await startRun(page, 60);
  await waitForBar(page, "Compute: 60 units of 100 units");
  await page.getByText("40 units left until", { exact: false }).waitFor();
  await page.getByRole("cell", { name: "Nightly build" }).waitFor();
  await page.getByLabel("Cost in compute units").fill("41");
  await page.getByText("This is more than what is left.").waitFor();
  await startRun(page, 25);
  await waitForBar(page, "Compute: 85 units of 100 units");
  await page.getByText("85 % used").waitFor();
  await startRun(page, 16);
  await page.getByRole("dialog").getByText("Limit reached").waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  await page.waitForLoadState("networkidle");
  // What the prompt offers is asked when it opens; what is left, never.
  expect(calls.filter((name) => !name.startsWith("billing."))).toEqual([
    "runs.start",
    "runs.start",
    "runs.start",
  ]);

  // What another page already knows is moved too: it is one and the same.
  await page.getByRole("link", { name: "Overview" }).first().click();
  await waitForBar(page, "Compute: 85 units of 100 units");
  await context.close();
});

test("places of a level move as well, when they are taken and when they are given back", async () => {
  const { page, context } = await newVisitor();
  const slug = await signUp(page, app, "sol@example.com");
  await open(page, `${app.url}/${slug}/channels`);
  await waitForBar(page, "Channels: 0 channels of 5 channels");
  await page.waitForLoadState("networkidle");
  const calls = callsOf(page);
  for (const [at, name] of ["alpha", "beta"].entries()) {
    // The form is emptied after the answer has moved the bar: what is filled in between is lost.
    await expect.poll(() => page.getByLabel("Name").inputValue()).toBe("");
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Create channel" }).click();
    await waitForBar(page, `Channels: ${at + 1} channel${at === 0 ? "" : "s"} of 5 channels`);
  }
  await page.getByRole("button", { name: "Remove alpha" }).click();
  await waitForBar(page, "Channels: 1 channel of 5 channels");
  await page.getByRole("listitem").filter({ hasText: "alpha" }).waitFor({ state: "detached" });
  await page.waitForLoadState("networkidle");
  expect(calls).toEqual(["channels.create", "channels.create", "channels.remove"]);
  await context.close();
});

test("what the plan leaves out is hidden, with a way to it", async () => {
  const { page, context } = await newVisitor();
  const slug = await signUp(page, app, "tia@example.com");
  await open(page, `${app.url}/${slug}/settings`);
  await page.getByText("Plans with priority support are answered first", { exact: false }).waitFor();
  expect(await page.getByText("Your plan has priority support", { exact: false }).count()).toBe(0);
  await page.getByRole("tab", { name: "curl" }).click();
  await page.getByText("Authorization: Bearer", { exact: false }).waitFor();
  await context.close();
});
