import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Facets, normalise } from "bandpro-score";
import { VerovioToolkit } from "verovio/esm";
import createVerovioModule from "verovio/wasm";
import { expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { apart, started } from "../scripts/verovio.mjs";
import { OPTIONS } from "../src/engraving/options.ts";
import { SAMPLES } from "../src/engraving/sample.ts";
import { restored } from "../src/engraving/toolkit.ts";
import { wholeText } from "../src/engraving/windows.ts";
import { ScoreWriter } from "../src/engraving/writer.ts";

const ROUNDS = 2;

/** Some scores, and rows with what they lack: words, lines, dynamics, tuplets, new clefs and keys. */
const texts = [
  ...SAMPLES,
  ...cases.slice(0, 8).map(({ facets }) => {
    const known = facets as unknown as Facets;
    return wholeText(new ScoreWriter().write(normalise(known), known));
  }),
];

/** Null for one in which nothing is written. */
function drawn(toolkit: VerovioToolkit): (string | null)[] {
  return texts.map((text) => {
    toolkit.setOptions({ ...OPTIONS, pageWidth: 2_000, pageHeight: 60_000 });
    return toolkit.loadData(text) ? toolkit.renderToSVG(1) : null;
  });
}

test("the engraver that is taken apart draws as the one of the package, from the first time on", async () => {
  const { script, wasm } = await apart();
  const folder = await mkdtemp(join(tmpdir(), "engraver-"));
  const file = join(folder, "verovio.mjs");
  await writeFile(file, script);
  const { default: createModule } = await import(pathToFileURL(file).href);
  const { memory, ...addresses } = await started(createModule, wasm);
  const bytes = memory.buffer.slice(memory.byteOffset, memory.byteOffset + memory.byteLength);
  const toolkit = await restored(createModule, WebAssembly.compile(wasm), bytes, addresses);
  const stock = new VerovioToolkit(await createVerovioModule());
  expect(drawn(stock).filter((each) => each !== null).length).toBeGreaterThan(texts.length / 2);
  for (let round = 0; round < ROUNDS; round += 1) expect(drawn(toolkit)).toEqual(drawn(stock));
  // A start from the same memory is another toolkit: what one drew is not in the next.
  const next = await restored(createModule, WebAssembly.compile(wasm), bytes, addresses);
  expect(drawn(next)).toEqual(drawn(toolkit));
  await rm(folder, { recursive: true });
});
