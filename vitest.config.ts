import path from "node:path";
import { defineConfig } from "vitest/config";

const alias = { "@": path.resolve("src"), "@tests": path.resolve("tests") };
const shared = { environment: "node" as const, server: { deps: { inline: ["next-auth"] } } };

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      { resolve: { alias }, test: { ...shared, name: "architecture", include: ["tests/architecture.test.ts"] } },
      {
        resolve: { alias },
        test: {
          ...shared,
          name: "server",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/architecture.test.ts", "tests/e2e/**"],
          globalSetup: ["tests/support/global-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: { ...shared, name: "browser", include: ["tests/e2e/**/*.test.ts"], fileParallelism: false, testTimeout: 180_000, hookTimeout: 240_000 },
      },
    ],
  },
});
