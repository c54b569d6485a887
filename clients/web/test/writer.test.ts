import { Normaliser, normalise } from "bandpro-score";
import { expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { type Window, Windows, wholeText, windowsOf } from "../src/engraving/windows.ts";
import { ScoreWriter } from "../src/engraving/writer.ts";

type Plain = Record<string, Record<string, unknown>>;

const WIDTH = 1_400;
const WIDE = 3_000;
const STEPS = 25;
const HOSTILE = 6;
const FACETS = ["parts", "measures", "ev", "pt", "nx", "sp", "dir", "ly", "attr", "lay"];
const MUSIC: Readonly<Record<string, unknown>> = {
  pt: { step: "F", octave: 5, alter: 1 },
  nx: { fermata: "upright", articulations: ["accent"] },
  sp: { kind: "ending", start: "m2", end: "m4", text: "1" },
  dir: { part: "s1", measure: "m3", onset: [1, 1], kind: "dynamics", text: "mf" },
};

/** The same numbers for the same seed. */
function lot(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Changes an entry to another one of its facet, of the same score or of another; or deletes it. */
function changed(
  maps: Record<string, Map<string, unknown>>,
  others: Plain,
  draw: (n: number) => number,
) {
  const facet = FACETS[draw(FACETS.length)] ?? "ev";
  const map = maps[facet] ?? new Map<string, unknown>();
  const keys = [...map.keys(), ...Object.keys(others[facet] ?? {})];
  const key = keys[draw(keys.length)] ?? "x";
  const values = [...map.values(), ...Object.values(others[facet] ?? {}), MUSIC[facet]];
  if (draw(4) === 0) map.delete(key);
  else map.set(key, values[draw(values.length)]);
  return new Map([[facet, new Set([key])]]);
}

test("whatever changes, what is kept is what would be written anew", () => {
  let kept = 0;
  for (const [seed, { name, facets }] of cases.entries()) {
    if (name !== "chorale" && seed >= HOSTILE) continue;
    const draw = lot(seed + 1);
    const others = (cases[draw(cases.length)]?.facets ?? {}) as Plain;
    const maps = Object.fromEntries(
      FACETS.map((each) => [each, new Map(Object.entries((facets as Plain)[each] ?? {}))]),
    );
    const [shown, writer, windows] = [new Normaliser(maps), new ScoreWriter(), new Windows()];
    for (let step = 0; step < STEPS; step += 1) {
      const writing = writer.write(shown.view(), maps);
      const cast = windows.cast(writing, WIDTH);
      const anew = new ScoreWriter().write(normalise(maps), maps);
      const where = `${name}, step ${step}`;
      expect([where, writing.measures.length]).toEqual([where, anew.measures.length]);
      if (anew.measures.length > 0) {
        expect([where, wholeText(writing)]).toEqual([where, wholeText(anew)]);
      }
      const places = anew.measures.map((measure) => measure.places);
      expect(writing.measures.map((measure) => measure.places)).toEqual(places);
      let first = 0;
      const rows = cast.map(({ measures }) => {
        first += measures.length;
        return { first: first - measures.length, last: first - 1 };
      });
      expect(first).toBe(anew.measures.length);
      const texts = windowsOf(anew, rows, WIDTH).map((window) => window.content);
      expect([where, cast.map((window) => window.content)]).toEqual([where, texts]);
      shown.change(changed(maps, others, draw));
      kept += windows
        .cast(writer.write(shown.view(), maps), WIDTH)
        .filter((each) => cast.includes(each)).length;
    }
  }
  expect(kept).toBeGreaterThan(STEPS);
});

test("another pitch writes its measure anew, and draws its row anew, alone", () => {
  const facets = (cases.find((each) => each.name === "chorale")?.facets ?? {}) as Plain;
  const [shown, writer, windows] = [new Normaliser(facets), new ScoreWriter(), new Windows()];
  const before = writer.write(shown.view(), facets);
  const rows = windows.cast(before, WIDE);
  // Within a row: a note at its end may have a line, or a word, that goes on in the next.
  const [, measure] = rows.find((row) => row.measures.length > 2)?.measures ?? [];
  const [id] =
    Object.entries(facets["ev"] ?? {}).find(
      ([key, event]) => facets["pt"]?.[key] && (event as { measure: string }).measure === measure,
    ) ?? [];
  const changed = { ...facets, pt: { ...facets["pt"], [String(id)]: MUSIC["pt"] } };
  Object.assign(facets, changed);
  shown.change(new Map([["pt", new Set([String(id)])]]));
  const after = writer.write(shown.view(), facets);
  const others = after.measures.filter((each, at) => each !== before.measures[at]);
  expect(others.map((each) => each.id)).toEqual([measure]);
  const drawn = windows.cast(after, WIDE).filter((row) => !rows.includes(row));
  expect(drawn.map((row) => row.measures.includes(measure ?? ""))).toEqual([true]);
});

test("an ending draws the rows that it is over anew, and no other", () => {
  const facets = (cases.find((each) => each.name === "chorale")?.facets ?? {}) as Plain;
  const maps = Object.fromEntries(
    FACETS.map((each) => [each, new Map(Object.entries(facets[each] ?? {}))]),
  );
  const [shown, writer, windows] = [new Normaliser(maps), new ScoreWriter(), new Windows()];
  const rowsWith = (fields: Record<string, unknown> | null) => {
    if (fields) maps["sp"]?.set("ending", { kind: "ending", ...fields });
    else maps["sp"]?.delete("ending");
    shown.change(new Map([["sp", new Set(["ending"])]]));
    return windows.cast(writer.write(shown.view(), maps), WIDTH);
  };
  // A row is known by its content; those far from the ending are not even written.
  const drawnAnew = (rows: readonly Window[], former: readonly Window[]) => {
    const anew = rows.flatMap((row, at) => (row.content === former[at]?.content ? [] : [at]));
    const kept = rows.flatMap((row, at) => (row === former[at] ? [at] : []));
    expect(kept).toEqual(expect.arrayContaining([...rows.keys()].filter((at) => at < 1 || at > 3)));
    return anew;
  };
  const before = rowsWith(null);
  expect(before.length).toBeGreaterThan(3);
  const [start, end] = [before[1]?.measures.at(-1), before[2]?.measures[0]];
  const first = rowsWith({ start, end, text: "1" });
  expect(drawnAnew(first, before)).toEqual([1, 2]);
  expect(drawnAnew(rowsWith({ start, end, text: "1" }), first)).toEqual([]);
  // Its number stands in its first row only.
  const second = rowsWith({ start, end, text: "2" });
  expect(drawnAnew(second, first)).toEqual([1]);
  const longer = rowsWith({ start, end: before[3]?.measures[0], text: "2" });
  expect(drawnAnew(longer, second)).toEqual([2, 3]);
  const without = rowsWith(null);
  expect(drawnAnew(without, longer)).toEqual([1, 2, 3]);
  expect(without.map((row) => row.content)).toEqual(before.map((row) => row.content));
});
