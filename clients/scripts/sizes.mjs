// What people download: measures it, and compares it with the budgets in docs/sizes.md.
//     node scripts/sizes.mjs            fails where a budget is passed
//     node scripts/sizes.mjs --write    also writes down what was measured
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const CLIENTS = new URL("..", import.meta.url);
const STATIC = new URL("../gateway/static/", CLIENTS);
const PAGE = new URL("../docs/sizes.md", CLIENTS);
const ROW = /^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|$/gm;
// A module of no file, at a place from which all packages are found.
const ENTRY = fileURLToPath(new URL("examples/entry.js", CLIENTS));

/** What an application has in its bundle when it imports this; React is its own. */
async function bundled(source) {
  const entry = {
    name: "entry",
    resolveId: (id) => (id === ENTRY ? id : null),
    load: (id) => (id === ENTRY ? source : null),
  };
  const { output } = await build({
    root: fileURLToPath(new URL("examples", CLIENTS)),
    configFile: false,
    logLevel: "error",
    plugins: [entry],
    build: {
      write: false,
      minify: true,
      target: "es2022",
      rolldownOptions: {
        input: ENTRY,
        external: /^react(\/|$)/,
        preserveEntrySignatures: "strict",
      },
    },
  });
  return output.map((chunk) => chunk.code ?? "");
}

/** Files that a page asks for before it does anything. */
async function loaded(page, pattern) {
  const html = await readFile(new URL(`${page}/index.html`, STATIC), "utf8");
  const paths = [...html.matchAll(pattern)].map(([, path]) => path);
  return Promise.all(
    [...new Set(paths)].map((path) => readFile(new URL(`${page}${path}`, STATIC))),
  );
}

async function folder(path) {
  const here = new URL(`${path}/`, STATIC);
  const found = await readdir(here, { recursive: true, withFileTypes: true });
  const files = found.filter((each) => each.isFile() && !each.name.endsWith(".gz"));
  return Promise.all(files.map((file) => readFile(`${file.parentPath}/${file.name}`)));
}

// Without what only browsers without modules load.
const SCRIPTS = /<script(?![^>]*\snoModule)[^>]*\ssrc="([^"]+)"/g;
const STYLES = /<link[^>]*\shref="([^"]+\.css)"/g;
const EVERYTHING = 'export * from "bandpro-sdk"; export * from "bandpro-sdk/react";';
const MEASURED = {
  "SDK, all of it, with hooks, Yjs and the provider, without React": () => bundled(EVERYTHING),
  "SDK, `openScore`": () => bundled('export { openScore } from "bandpro-sdk";'),
  "SDK, `openLibrary`": () => bundled('export { openLibrary } from "bandpro-sdk";'),
  "SDK, the view of a score alone": () => bundled('export { normalise } from "bandpro-sdk";'),
  "web editor, scripts of the page": () => loaded("editor", SCRIPTS),
  "web editor, styles": () => loaded("editor", STYLES),
  "web editor, the engraver, loaded beside the page": () => folder("editor/engraver"),
  "web editor, all files": () => folder("editor"),
  "inspector, all files": () => folder("inspector"),
};

const kilobytes = (bytes) => Math.ceil(bytes / 1000);
const sizes = new Map();
for (const [name, measure] of Object.entries(MEASURED)) {
  const parts = await measure();
  const whole = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  const packed = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
  sizes.set(name, { whole: kilobytes(whole), packed: kilobytes(packed) });
}

const page = await readFile(PAGE, "utf8");
const budgets = new Map([...page.matchAll(ROW)].map(([, name, , , budget]) => [name, +budget]));
const problems = [];
for (const [name, { packed }] of sizes) {
  const budget = budgets.get(name);
  if (budget === undefined) problems.push(`${name}: no budget in docs/sizes.md`);
  else if (packed > budget) problems.push(`${name}: ${packed} kB compressed, budget ${budget} kB`);
}
for (const name of budgets.keys()) {
  if (!sizes.has(name)) problems.push(`${name}: has a budget, and is not measured`);
}
if (process.argv.includes("--write")) {
  const renewed = page.replace(ROW, (row, name, _whole, _packed, budget) => {
    const now = sizes.get(name);
    return now === undefined ? row : `| ${name} | ${now.whole} | ${now.packed} | ${budget} |`;
  });
  await writeFile(PAGE, renewed);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
