import { AxeBuilder } from "@axe-core/playwright";
import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { open, payWith, signUp, useUp, waitForBar } from "./steps";

const app = inject("app");

test("a month goes by: the renewal, the reset and the mail stand on the timeline, the meter is full again, and nobody is signed out", async () => {
  const { page, context, problems } = await newVisitor();
  const slug = await signUp(page, app, "tik@example.com");
  await open(page, `${app.url}/${slug}/billing`);
  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await payWith(page, "4242");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await useUp(page, app, slug, 1_700);
  await open(page, `${app.url}/${slug}/runs`);
  await waitForBar(page, "Compute: 1,700 units of 2,000 units");

  await page.getByRole("link", { name: "Time machine" }).click();
  const clock = page.locator("main time").first();
  const before = new Date((await clock.getAttribute("datetime")) ?? "");
  await page.getByRole("combobox", { name: "Workspace" }).selectOption(slug);
  // By the keyboard alone.
  await page.getByRole("button", { name: "Forward 1 month" }).press("Enter");
  const stop = page.getByRole("button", { name: "Stop" });
  await stop.waitFor();
  await stop.waitFor({ state: "detached", timeout: 180_000 });
  const after = new Date((await clock.getAttribute("datetime")) ?? "");
  expect((after.getTime() - before.getTime()) / 86_400_000).toBeGreaterThan(27.9);

  await page.getByText("Renewal paid: $15.00").waitFor();
  await page
    .getByText(/^Compute: a new window, 2,000 until /)
    .first()
    .waitFor();
  await page.getByRole("link", { name: "Compute: 80% of the allowance is used" }).waitFor();

  const { violations } = await new AxeBuilder({ page: page as never }).setLegacyMode().analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  expect(serious.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)).toEqual([]);

  await open(page, `${app.url}/${slug}/runs`);
  await waitForBar(page, "Compute: 0 units of 2,000 units");
  expect(problems).toEqual([]);
  await context.close();
});
