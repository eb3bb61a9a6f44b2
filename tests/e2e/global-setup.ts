import type { TestProject } from "vitest/node";
import { startApp } from "./app";

declare module "vitest" {
  interface ProvidedContext {
    app: { url: string; mailboxUrl: string; stripeUrl: string };
  }
}

/** One `npm run dev` for all journeys, in a world of its own; it must also end well. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, mailboxUrl, stripeUrl, output, stop } = await startApp();
  project.provide("app", { url, mailboxUrl, stripeUrl });
  return async () => {
    const code = await stop();
    if (code !== 0) throw new Error(`npm run dev ended with ${code}:\n${output().slice(-4_000)}`);
  };
}
