import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const config: NextConfig = {
  output: "export",
  images: { unoptimized: true },
  // Types are checked by `tsc`, before.
  typescript: { ignoreBuildErrors: true },
  // The score's own package lies beside this one.
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
  productionBrowserSourceMaps: false,
};

export default config;
