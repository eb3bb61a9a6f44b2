import { availableParallelism } from "node:os";
import path from "node:path";
import { defineConfig } from "vitest/config";
import { browserTestsRun } from "./tests/e2e/find-browser.ts";
import { sandboxKey } from "./tests/simulator/sandbox-key.ts";

const alias = { "@": path.resolve("src"), "@tests": path.resolve("tests") };
const shared = { environment: "node" as const, server: { deps: { inline: ["next-auth"] } } };

const architecture = {
  resolve: { alias },
  test: {
    ...shared,
    name: "architecture",
    include: ["tests/architecture.test.ts"],
    testTimeout: 60_000,
  },
};

const server = {
  resolve: { alias },
  test: {
    ...shared,
    name: "server",
    include: ["tests/**/*.test.ts", ...(sandboxKey() ? ["tests/simulator/sandbox-recording.ts"] : [])],
    exclude: ["tests/architecture.test.ts", "tests/e2e/**"],
    globalSetup: ["tests/support/global-setup.ts"],
    setupFiles: ["tests/support/pin-seed.ts"],
    // Files share a process: Stripe's schemas are compiled once, and modules loaded once. What a module keeps is kept
    // by database, so the files have nothing else in common.
    isolate: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
};

const browser = {
  resolve: { alias },
  test: {
    ...shared,
    name: "browser",
    include: ["tests/e2e/**/*.test.ts"],
    globalSetup: ["tests/e2e/global-setup.ts"],
    fileParallelism: false,
    testTimeout: 480_000,
    hookTimeout: 240_000,
  },
};

export default defineConfig({
  resolve: { alias },
  // A test waits for its database half of the time, so two cores are busy with two files.
  test: {
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: browserTestsRun() ? [architecture, server, browser] : [architecture, server],
  },
});
