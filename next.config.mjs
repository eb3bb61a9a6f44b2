/** @type {import("next").NextConfig} */
const config = {
  // The browser tests build beside a running `npm run dev`, not over it.
  distDir: process.env.NEXT_DIST_DIR || ".next",
  typedRoutes: true,
  // `page.dev.tsx` and `route.dev.ts` are of a development only: no production build knows them.
  pageExtensions: process.env.NODE_ENV === "production" ? ["tsx", "ts"] : ["dev.tsx", "dev.ts", "tsx", "ts"],
  // Next would write a file of instructions into the repository.
  agentRules: false,
  poweredByHeader: false,
  // In development the simulator and the local cron call often; what they do shows in the app.
  logging: { incomingRequests: { ignore: [/^\/api\/(webhooks|cron)\//] } },
  devIndicators: { position: "bottom-right" },
  images: { unoptimized: true },
  experimental: {
    optimizePackageImports: ["@mantine/core", "@mantine/hooks", "@mantine/charts"],
  },
};

export default config;
