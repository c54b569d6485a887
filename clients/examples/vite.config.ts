import { defineConfig } from "vite";

// What runs in a page, for the tests: the Next.js page is mounted as the component that it is.
export default defineConfig({
  define: {
    "process.env.NEXT_PUBLIC_BANDPRO": 'new URLSearchParams(location.search).get("server")',
  },
  build: {
    emptyOutDir: true,
    target: "es2022",
    rolldownOptions: { input: ["vanilla/index.html", "test/next.html", "test/measured.html"] },
  },
});
