import { defineConfig } from "vite";

const gateway = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  build: {
    outDir: "../../gateway/static/inspector",
    emptyOutDir: true,
    target: "es2022",
    // Browsers that know light-dark(), popovers and modal dialogs.
    cssTarget: ["chrome123", "edge123", "firefox125", "safari17.5"],
    // A strict content policy allows files of this origin only: nothing inlined as data or script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    host: "127.0.0.1",
    strictPort: false,
    // `npm run dev` beside `make run`: the page from here, rooms and tickets from the gateway.
    proxy: {
      "/collab": { target: gateway, ws: true },
      "/v1": { target: gateway },
    },
  },
});
