import { readFileSync } from "node:fs";
import { type Facets, normalise } from "bandpro-score";
import { expect, test } from "vitest";
import { ScoreIndex } from "../../web/src/editing/score-index.ts";
import { ScoreWriter } from "../../web/src/engraving/writer.ts";
import { sheetOf } from "../src/drawing/bars.ts";
import type { Shape, System } from "../src/drawing/shapes.ts";
import { systemsOf } from "../src/drawing/systems.ts";
import { nearest } from "../src/drawing/touch.ts";

const VECTORS = new URL("../../../tests/vectors/score_views.json", import.meta.url);
const CASES: { name: string; facets: Facets }[] = JSON.parse(readFileSync(VECTORS, "utf-8"));
const WIDTH = 700;

function drawn(facets: Facets, width = WIDTH): readonly System[] {
  const view = normalise(facets);
  const writing = new ScoreWriter().write(view, facets);
  return systemsOf(sheetOf(new ScoreIndex(view, facets, writing)), width);
}

const chorale = CASES.find(({ name }) => name === "chorale")?.facets ?? {};
const shapesOf = (systems: readonly System[]) => systems.flatMap(({ shapes }) => shapes);
const heads = (shapes: readonly Shape[]) => shapes.filter((shape) => shape.kind === "head");

test("each note of the chorale is one head, and can be touched where it is", () => {
  const pitches = (chorale as { pt: Record<string, { step?: string }> }).pt;
  const notes = Object.entries(pitches).filter(([, { step }]) => step !== undefined);
  const systems = drawn(chorale);
  const found = heads(shapesOf(systems)).map(({ of }) => of);
  expect([...found].sort()).toEqual(notes.map(([id]) => id).sort());
  for (const { shapes, targets } of systems) {
    for (const { at, of } of heads(shapes)) {
      expect(nearest(targets, at[0], at[1])?.id).toBe(of);
    }
  }
});

// C major scale in eighths, a dotted half, a sharp that returns as a natural: by hand.
const NOTE = { part: "p", measure: "m", voice: 1, staff: 1 };
const HAND = {
  parts: { p: { name: "Voice", order: "a", staves: 1 } },
  measures: { m: { number: "1", order: "a" } },
  attr: {
    "time|m|*|0/1": { beats: [4], unit: 4 },
    "clef|m|p|0/1": { sign: "F", line: 4 },
    "key|m|*|0/1": { fifths: -1 },
  },
  ev: {
    n1: { ...NOTE, onset: [0, 1], duration: [1, 1] },
    n2: { ...NOTE, onset: [1, 1], duration: [1, 2] },
    n3: { ...NOTE, onset: [3, 2], duration: [1, 2] },
    n4: { ...NOTE, onset: [2, 1], duration: [3, 2] },
  },
  pt: {
    n1: { step: "D", octave: 3, alter: 0 }, // the middle line of a bass staff
    n2: { step: "F", octave: 2, alter: 1 }, // the space below the second line from below
    n3: { step: "F", octave: 2, alter: 0 },
    n4: { step: "C", octave: 4, alter: 0 }, // one ledger line above
  },
  ly: { "n1|1": { text: "La" } },
  ...{ meta: {}, nx: {}, sp: {}, dir: {}, lay: {}, raw: {} },
} as unknown as Facets;

test("pitches, values and signs stand where a musician looks for them", () => {
  const [system] = drawn(HAND);
  const shapes = system?.shapes ?? [];
  const top = Math.min(
    ...shapes.flatMap((s) => (s.kind === "line" && s.width === 1 ? [s.from[1]] : [])),
  );
  // Staff lines are 10 apart; heights are counted in half spaces below the ledger line above.
  const heights = Object.fromEntries(heads(shapes).map(({ of, at }) => [of, (at[1] - top) / 5]));
  expect(heights).toEqual({ n1: 6, n2: 11, n3: 11, n4: 0 });
  const of = (id: string) => shapes.filter((shape) => shape.of === id);
  const kinds = (id: string) =>
    of(id)
      .map(({ kind }) => kind)
      .sort();
  expect(kinds("n1")).toEqual(["head", "line", "text"]);
  expect(kinds("n2")).toEqual(["head", "line", "path", "path"]); // sharp and flag
  expect(kinds("n3")).toEqual(["head", "line", "path", "path"]); // natural and flag
  expect(kinds("n4")).toEqual(["head", "line", "line", "path"]); // ledger line, stem, dot
  const x = (id: string) => heads(of(id))[0]?.at[0] ?? Number.NaN;
  const places = ["n1", "n2", "n3", "n4"].map(x);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  const texts = shapes.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
  expect(texts).toEqual(["4", "4", "La"]);
});

test("whatever the document says is drawn within its line, on a phone and on a tablet", () => {
  for (const { facets } of CASES) {
    for (const width of [360, 1_200]) {
      const systems = drawn(facets, width);
      const measures = systems.flatMap((system) => system.measures);
      expect(measures).toEqual(
        measures.length === 0 ? [] : normalise(facets).measures.map(({ id }) => id),
      );
      for (const { targets, width: own, height } of systems) {
        for (const target of targets) {
          expect(target.x >= 0 && target.x <= own && target.y >= 0 && target.y <= height).toBe(
            true,
          );
        }
      }
    }
  }
});
