import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      "bandpro-score": source("../score/src/index.ts"),
      "bandpro-sdk": source("../sdk/src/index.ts"),
    },
  },
  // One module for Electron's main process, with all that it needs inside.
  build: { ssr: "src/main.ts", outDir: "dist", target: "node22" },
  ssr: { noExternal: true, external: ["electron"] },
  // With BANDPRO_URL, what needs a real server runs too.
  test: {
    testTimeout: 60_000,
    include: ["test/*.test.ts", ...(process.env["BANDPRO_URL"] ? ["test/server/*"] : [])],
  },
});
