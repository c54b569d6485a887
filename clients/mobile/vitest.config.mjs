import { fileURLToPath } from "node:url";

const source = (path) => fileURLToPath(new URL(path, import.meta.url));

export default {
  resolve: {
    alias: {
      "bandpro-score": source("../score/src/index.ts"),
      "bandpro-sdk": source("../sdk/src/index.ts"),
    },
  },
  test: { include: ["test/*.test.ts"] },
};
