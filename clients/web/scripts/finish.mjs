// After `next build`: puts the exported page where the gateway serves it, without inline scripts.
//
// Next writes its bootstrap into the page as inline scripts, which a content policy without
// 'unsafe-inline' refuses. Each becomes a file of its own, in its place, so that they run in order.
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = fileURLToPath(new URL("..", import.meta.url));
const out = join(here, "out");
const target = join(here, "../../gateway/static/editor");
const SCRIPT = /<script(?![^>]*\ssrc=)([^>]*)>([\s\S]*?)<\/script>/g;

const page = await readFile(join(out, "index.html"), "utf8");
const moved = [];
const html = page.replace(SCRIPT, (_whole, attributes, source) => {
  const name = `${createHash("sha256").update(source).digest("hex").slice(0, 16)}.js`;
  moved.push([name, source]);
  return `<script${attributes} src="/_next/static/boot/${name}"></script>`;
});
if (/<style|\son\w+=|javascript:/.test(html)) {
  throw new Error("The page has styles or handlers inside, which its content policy refuses.");
}
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await cp(join(out, "_next"), join(target, "_next"), {
  recursive: true,
  // The source of the worker comes along unused.
  filter: (from) => !/\.(ts|map)$/.test(from),
});
await mkdir(join(target, "_next/static/boot"), { recursive: true });
for (const [name, source] of moved) {
  await writeFile(join(target, "_next/static/boot", name), source);
}
for (const name of ["verovio.mjs", "verovio-module.mjs"]) {
  await cp(join(here, "../node_modules/verovio/dist", name), join(target, "verovio", name));
}
await writeFile(join(target, "index.html"), html);

let [total, packed] = [0, 0];
for (const file of await readdir(target, { recursive: true })) {
  const path = join(target, file);
  if (!(await stat(path)).isFile()) continue;
  const content = await readFile(path);
  const gzip = gzipSync(content).length;
  process.stdout.write(
    `${String(content.length).padStart(9)} ${String(gzip).padStart(9)}  ${file}\n`,
  );
  total += content.length;
  packed += gzip;
}
process.stdout.write(
  `${String(total).padStart(9)} ${String(packed).padStart(9)}  in all, and as gzip\n`,
);
