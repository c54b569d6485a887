// Before `next build`: makes the engraver that the page starts with, into public/engraver/HASH. The
// name of the folder changes with what is in it.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "vite";
import { apart, MODULE, started } from "./verovio.mjs";

const here = fileURLToPath(new URL("..", import.meta.url));
const target = join(here, "public/engraver");
const BANNER = `/*
 * Contains Verovio (https://www.verovio.org), LGPL-3.0-or-later, changed by scripts/verovio.mjs of this
 * project: its WebAssembly, which is unchanged, is a file beside this one, and so is what is in its
 * memory after its start. With another build of it, all three are made anew by that script.
 */`;

const { script, wasm } = await apart();
const room = await mkdtemp(join(tmpdir(), "engraver-"));
await writeFile(join(room, "verovio.mjs"), script);
const { default: createModule } = await import(pathToFileURL(join(room, "verovio.mjs")).href);
const { memory, toolkit, files } = await started(createModule, wasm);
await rm(room, { recursive: true });

/** One script with all that it needs. */
async function bundled(name, format) {
  const { output } = await build({
    root: here,
    configFile: false,
    logLevel: "error",
    publicDir: false,
    plugins: [{ name: "apart", load: (id) => (id === MODULE ? script : undefined) }],
    define: { "process.env.VEROVIO": JSON.stringify({ toolkit, files }) },
    build: {
      write: false,
      minify: true,
      target: "es2022",
      rolldownOptions: { input: join(here, `src/engraving/${name}.ts`), output: { format } },
    },
  });
  return output[0].code;
}

const content = {
  "worker.js": `${BANNER}\n${await bundled("worker", "es")}`,
  "start.js": await bundled("start", "iife"),
  "verovio.wasm": wasm,
  "verovio-memory.bin": memory,
};
const hash = createHash("sha256");
for (const each of Object.values(content)) hash.update(each);
const folder = join(target, hash.digest("hex").slice(0, 16));
await rm(target, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
for (const [name, each] of Object.entries(content)) await writeFile(join(folder, name), each);
