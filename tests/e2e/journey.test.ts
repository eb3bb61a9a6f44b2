import { expect, inject, test } from "vitest";
import { newVisitor } from "./browser";
import { open, payWith, ready, signUp, startRun, waitForBar } from "./steps";

const app = inject("app");

test("from the landing page to the limit, through checkout to Pro, on with the work, and to a cancellation", async () => {
  const { page, context, problems } = await newVisitor();
  const slug = await signUp(page, app, "mia@example.com");
  const workspace = `${app.url}/${slug}`;
  await page.getByRole("region", { name: "Plan" }).getByText("Free", { exact: true }).waitFor();

  await page.getByRole("link", { name: "Runs" }).first().click();
  await waitForBar(page, "Compute: 0 units of 100 units");
  await startRun(page, 85);
  await waitForBar(page, "Compute: 85 units of 100 units");
  await page.getByText("85 % used").waitFor();
  await startRun(page, 40);
  const prompt = page.getByRole("dialog");
  await prompt.getByText("Limit reached").waitFor();
  await prompt.getByText("25 units missing", { exact: false }).waitFor();
  await waitForBar(page, "Compute: 85 units of 100 units");

  await prompt.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await page.getByText("$15.00").first().waitFor();
  await payWith(page, "4242");
  await page.waitForURL("**/billing/return?**");
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await waitForBar(page, "Compute: 85 units of 2,000 units");
  await page.reload();
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();

  await open(page, `${workspace}/runs`);
  await startRun(page, 40);
  await waitForBar(page, "Compute: 125 units of 2,000 units");

  await open(page, `${workspace}/billing`);
  await page.getByRole("button", { name: "Manage in portal" }).click();
  // Our own page has such a button as well.
  await page.waitForURL((url) => url.origin !== new URL(app.url).origin);
  await page.getByRole("button", { name: "Cancel subscription" }).click();
  await page.getByRole("button", { name: "Cancel subscription" }).click();
  await page.getByRole("status").getByText("Ends on").waitFor();
  await page.getByRole("link", { name: /Return to/ }).click();
  await page.getByText(/The subscription ends/).waitFor();
  await page.goto(workspace);
  await page
    .getByRole("region", { name: "Plan" })
    .getByText(/^Ends /)
    .waitFor();
  // The browser notes the one refusal that was asked for.
  expect(problems.filter((problem) => !problem.includes("402 (Payment Required)"))).toEqual([]);
  await context.close();
});

test("a declined card buys nothing and can be tried again; 3-D Secure and going back work", async () => {
  const { page, context } = await newVisitor({ width: 390, dark: true });
  const slug = await signUp(page, app, "noa@example.com");
  await open(page, `${app.url}/${slug}/billing`);
  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  const checkoutUrl = page.url();
  await payWith(page, "0002");
  await page.getByRole("alert").getByText("Your card was declined.").waitFor();
  await page.getByRole("button", { name: "Cancel and go back" }).click();
  await page.waitForURL(`**/${slug}/billing`);
  await ready(page);
  await page.getByText("There is no subscription.", { exact: false }).waitFor();

  await page.getByRole("button", { name: "Upgrade to Pro" }).click();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  expect(page.url()).toBe(checkoutUrl);
  await payWith(page, "3155");
  await page.getByRole("button", { name: "Fail authentication" }).click();
  await page.getByRole("alert").waitFor();
  await payWith(page, "3155");
  await page.getByRole("button", { name: "Complete authentication" }).click();
  await page.getByRole("heading", { name: "You are on Pro" }).waitFor();
  await context.close();
});

test("channels fill up to the plan's limit, and a removed one makes room", async () => {
  const { page, context } = await newVisitor();
  const slug = await signUp(page, app, "oli@example.com");
  await open(page, `${app.url}/${slug}/channels`);
  for (const name of ["one", "two", "three", "four", "five"]) {
    await page.getByLabel("Name").fill(name);
    await page.getByRole("button", { name: "Create channel" }).click();
    await page.getByText(name, { exact: true }).first().waitFor();
  }
  await page.getByLabel("Name").fill("six");
  await page.getByRole("button", { name: "Create channel" }).click();
  await page.getByRole("dialog").getByText("Limit reached").waitFor();
  await page.getByRole("button", { name: "Not now" }).click();
  await page.getByRole("button", { name: "Remove one" }).click();
  await waitForBar(page, "Channels: 4 channels of 5 channels");
  await context.close();
});

test("somebody else's workspace does not exist, and without a session there is only the sign-in page", async () => {
  const { page, context } = await newVisitor();
  await page.goto(`${app.url}/adas-atelier/billing`);
  await page.waitForURL("**/sign-in?**");
  await signUp(page, app, "pia@example.com");
  const answer = await page.goto(`${app.url}/adas-atelier`);
  expect(answer?.status()).toBe(404);
  await context.close();
});
