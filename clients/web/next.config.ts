import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

// Made by `scripts/engraver.mjs`; its name changes with its content.
const [engraver] = readdirSync(new URL("public/engraver", import.meta.url));

const config: NextConfig = {
  output: "export",
  images: { unoptimized: true },
  // Types are checked by `tsc`, before.
  typescript: { ignoreBuildErrors: true },
  // The score's own package lies beside this one.
  turbopack: { root: fileURLToPath(new URL("..", import.meta.url)) },
  env: { ENGRAVER: `/engraver/${engraver}/` },
  productionBrowserSourceMaps: false,
};

export default config;
