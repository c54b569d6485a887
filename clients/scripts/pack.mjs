// Lays each file of a built page packed beside itself, for browsers that take it so, and prints what
// they weigh.
//     node scripts/pack.mjs FOLDER
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const KINDS = /\.(bin|css|html|js|mjs|svg|wasm)$/;
/** In bytes: below, another file saves nothing. */
const LEAST = 1024;

const [folder] = process.argv.slice(2);
const sums = { whole: 0, packed: 0 };

function tell(whole, packed, name) {
  const [a, b] = [whole, packed].map((bytes) => String(bytes).padStart(9));
  process.stdout.write(`${a} ${b}  ${name}\n`);
}

for (const file of await readdir(folder, { recursive: true })) {
  if (!KINDS.test(file)) continue;
  const content = await readFile(join(folder, file));
  const packed = gzipSync(content, { level: 9 });
  if (content.length >= LEAST) await writeFile(join(folder, `${file}.gz`), packed);
  sums.whole += content.length;
  sums.packed += packed.length;
  tell(content.length, packed.length, file);
}
tell(sums.whole, sums.packed, "in all, and packed");
