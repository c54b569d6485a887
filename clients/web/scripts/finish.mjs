// After `next build`: puts the exported page where the gateway serves it, without inline scripts.
//
// Next writes its bootstrap into the page as inline scripts, which a content policy without
// 'unsafe-inline' refuses. Each becomes a file of its own, in its place, so that they run in order.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

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
await cp(join(out, "engraver"), join(target, "engraver"), { recursive: true });
await writeFile(join(target, "index.html"), html);
