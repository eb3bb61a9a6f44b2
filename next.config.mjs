/** @type {import("next").NextConfig} */
const config = {
  typedRoutes: true,
  // Next would write a file of instructions into the repository.
  agentRules: false,
  poweredByHeader: false,
  images: { unoptimized: true },
  experimental: {
    optimizePackageImports: ["@mantine/core", "@mantine/hooks", "@mantine/charts"],
  },
};

export default config;
