import { type Facets, normalise, toNumber, ZERO_TIME } from "bandpro-score";
import { VerovioToolkit } from "verovio/esm";
import createVerovioModule from "verovio/wasm";
import { expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { middleOf, pitchAt } from "../src/editing/pitches.ts";
import { ScoreIndex } from "../src/editing/score-index.ts";
import { OPTIONS } from "../src/engraving/options.ts";
import { wholeText } from "../src/engraving/windows.ts";
import { ScoreWriter } from "../src/engraving/writer.ts";

const toolkit = new VerovioToolkit(await createVerovioModule());
// Scores by lot are dear to draw.
const HOSTILE = 14;
const STEPS: Readonly<Record<string, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };

/** Engraves a score; gives the picture with its ids, and what the engraver says of each note. */
function engraved(facets: Facets) {
  const writing = new ScoreWriter().write(normalise(facets), facets);
  const [mei, places] = [wholeText(writing), writing.measures.flatMap((each) => each.places)];
  toolkit.setOptions({ ...OPTIONS, pageWidth: 2100, pageHeight: 60_000 });
  expect(toolkit.loadData(mei)).toBeTruthy();
  const svg = toolkit.renderToSVG(1);
  const ids = new Set([...svg.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id ?? ""));
  return { svg, ids, places, mei };
}

function facetsOf(name: string): Facets {
  return (cases.find((each) => each.name === name)?.facets ?? {}) as Facets;
}

function classes(svg: string, name: string): number {
  return svg.split(`class="${name}`).length - 1;
}

test("the chorale's notes sound where and as the document says", () => {
  const facets = facetsOf("chorale") as {
    ev: Record<string, { measure: string; onset: number[]; duration: number[] }>;
    pt: Record<string, { step?: string; octave?: number; alter?: number }>;
  };
  const { ids } = engraved(facets as unknown as Facets);
  const view = normalise(facets as unknown as Facets);
  const starts = new Map<string, number>();
  let quarters = 0;
  for (const measure of view.measures) {
    starts.set(measure.id, quarters);
    quarters += measure.length ? toNumber(measure.length) : 0;
  }
  // Of tied notes the first one sounds for all.
  const sounding = new Map<string, { time: number; pitch: number }>();
  toolkit.renderToTimemap();
  for (const [id, { step, octave = 0, alter = 0 }] of Object.entries(facets.pt)) {
    const event = facets.ev[id];
    expect(ids).toContain(id);
    if (step === undefined || event === undefined) continue;
    const [numerator = 0, denominator = 1] = event.onset;
    const time = (starts.get(event.measure) ?? Number.NaN) + numerator / denominator;
    sounding.set(id, { time, pitch: 12 * (octave + 1) + (STEPS[step] ?? Number.NaN) + alter });
  }
  const tempo = Math.max(1, toolkit.getMIDIValuesForElement("s1n1").time);
  for (const [id, { time, pitch }] of sounding) {
    const heard = toolkit.getMIDIValuesForElement(id);
    expect([id, heard.pitch, Math.round(heard.time)]).toEqual([
      id,
      pitch,
      Math.round(time * tempo),
    ]);
  }
  expect(sounding.size).toBe(Object.values(facets.pt).filter((pitch) => pitch.step).length);
});

test("whatever a document says, the engraver takes it and draws every note", () => {
  for (const { name, facets } of cases.slice(0, HOSTILE)) {
    const view = normalise(facets as Facets);
    if (view.parts.length === 0 || view.measures.length === 0) {
      const { measures } = new ScoreWriter().write(view, facets as Facets);
      expect([name, measures]).toEqual([name, []]);
      continue;
    }
    const { ids, places } = engraved(facets as Facets);
    const shown = view.measures
      .flatMap((measure) => measure.cells.flatMap((cell) => cell.voices))
      .flatMap((voice) => voice.items)
      .flatMap((item) =>
        item.kind === "chord" ? item.ids : item.kind === "rest" ? [item.id] : [],
      );
    expect([name, shown.filter((id) => !ids.has(id))]).toEqual([name, []]);
    expect([name, places.filter(({ id }) => !ids.has(id))]).toEqual([name, []]);
    const events = new Set(places.flatMap((place) => place.events));
    expect([name, shown.filter((id) => !events.has(id))]).toEqual([name, []]);
  }
});

/** Two measures of 4/4 in G major, for one part. */
function small(events: Record<string, object>, pitches: Record<string, object>, more = {}): Facets {
  return {
    meta: {},
    parts: { p: { order: "a", name: "Violin", staves: 1 } },
    measures: { m1: { order: "a", number: "1" }, m2: { order: "b", number: "2" } },
    attr: {
      "time|m1|*|0/1": { beats: [4], unit: 4 },
      "key|m1|*|0/1": { fifths: 1 },
    },
    ev: events,
    pt: pitches,
    ...more,
  };
}

const at = (measure: string, onset: number[], duration: number[]) => ({
  ...{ part: "p", measure, kind: "note", onset, duration, voice: 1, staff: 1 },
});

test("signs are drawn where a reader would else take another pitch", () => {
  const quarter = [1, 1];
  const { mei } = engraved(
    small(
      {
        a: at("m1", [0, 1], quarter),
        b: at("m1", [1, 1], quarter),
        c: at("m1", [2, 1], quarter),
        d: at("m2", [0, 1], quarter),
        e: at("m2", [1, 1], quarter),
      },
      {
        a: { step: "F", octave: 5, alter: 1 },
        b: { step: "F", octave: 5 },
        c: { step: "F", octave: 5 },
        d: { step: "F", octave: 5, alter: 1 },
        e: { step: "B", octave: 4, alter: -1, accidental: "flat" },
      },
    ),
  );
  const sign = (id: string) =>
    / accid="(\w+)"/.exec(mei.split(`xml:id="${id}"`)[1]?.split("/>")[0] ?? "")?.[1];
  expect(["a", "b", "c", "d", "e"].map(sign)).toEqual([undefined, "n", undefined, undefined, "f"]);
});

test("EDITOR-19 a chord has each articulation and its fermata once, whichever notes say so", () => {
  const whole = [4, 1];
  const facets = small(
    { a: at("m1", [0, 1], whole), b: at("m1", [0, 1], whole), r: at("m2", [0, 1], whole) },
    {
      a: { step: "A", octave: 4 },
      b: { step: "C", octave: 5 },
      r: { rest: "rest" },
    },
    {
      nx: {
        a: { articulations: ["staccato"] },
        b: { articulations: ["staccato", "strong-accent"], fermata: "upright" },
        r: { fermata: "inverted" },
      },
    },
  );
  const { svg } = engraved(facets);
  expect([classes(svg, "artic"), classes(svg, "fermata")]).toEqual([2, 2]);
});

test("EDITOR-20 a hairpin from note to note opens or closes from the first to the end of the last", () => {
  const quarter = [1, 1];
  const note = { step: "A", octave: 4 };
  const between = (text: string) => {
    const events = { a: at("m1", [1, 1], quarter), b: at("m1", [2, 1], quarter) };
    const line = { kind: "wedge", start: "a", end: "b", text };
    return engraved(small(events, { a: note, b: note }, { sp: { w: line } }));
  };
  const { svg, ids, mei } = between("diminuendo");
  expect([classes(svg, "hairpin"), ids.has("w")]).toEqual([1, true]);
  // Beats count from 1: the third one ends where the fourth begins.
  expect(/<hairpin [^>]*>/.exec(mei)?.[0]).toMatch(/form="dim".* tstamp="2".* tstamp2="0m\+4"/);
  expect(between("crescendo").mei).toContain('form="cres"');
});

test("beams, tuplets, ties, slurs, dynamics, hairpins and syllables are drawn", () => {
  const eighth = [1, 2];
  const third = [1, 3];
  const { svg, ids } = engraved(
    small(
      {
        a: at("m1", [0, 1], eighth),
        b: at("m1", [1, 2], eighth),
        t1: at("m1", [1, 1], third),
        t2: at("m1", [4, 3], third),
        t3: at("m1", [5, 3], third),
        h: at("m1", [2, 1], [2, 1]),
        i: at("m2", [0, 1], [3, 1]),
      },
      Object.fromEntries(
        ["a", "b", "t1", "t2", "t3", "h", "i"].map((id) => [id, { step: "A", octave: 4 }]),
      ),
      {
        sp: {
          tu: { kind: "tuplet", start: "t1", end: "t3", actual: 3, normal: 2 },
          ti: { kind: "tie", start: "h", end: "i" },
          sl: { kind: "slur", start: "a", end: "t3" },
          we: { kind: "wedge", start: "w1", end: "w2" },
        },
        dir: {
          w1: { part: "p", measure: "m1", onset: [2, 1], kind: "wedge", text: "crescendo" },
          w2: { part: "p", measure: "m2", onset: [2, 1], kind: "wedge", text: "stop" },
          dy: { part: "p", measure: "m1", onset: [0, 1], kind: "dynamics", text: "mf" },
        },
        ly: { "a|1": { text: "Ky", syllabic: "begin" }, "b|1": { text: "rie", syllabic: "end" } },
        nx: { i: { fermata: "upright", articulations: ["accent"] } },
      },
    ),
  );
  for (const [name, count] of Object.entries({
    beam: 2,
    tie: 1,
    slur: 1,
    hairpin: 1,
    dynam: 1,
    fermata: 1,
    artic: 1,
    syl: 2,
    dots: 1,
  })) {
    expect([name, classes(svg, name) >= count]).toEqual([name, true]);
  }
  for (const id of ["tu", "ti", "sl", "we", "dy"]) expect(ids).toContain(id);
  expect(svg).toContain("Ky");
});

test("EDITOR-24 what is pointed at on the middle line is drawn there, whatever the clef", () => {
  const clefs = [
    ...[1, 2].map((line) => ({ sign: "G", line })),
    ...[3, 4, 5].map((line) => ({ sign: "F", line })),
    ...[1, 2, 3, 4, 5].map((line) => ({ sign: "C", line })),
    ...[-2, -1, 1, 2].map((octave) => ({ sign: "G", line: 2, octave })),
    { sign: "F", line: 4, octave: -1 },
    { sign: "G" },
    { sign: "F" },
    { sign: "C" },
    { sign: "percussion" },
    { sign: "percussion", line: 3 },
    { sign: "TAB" },
    { sign: "TAB", line: 5 },
    { sign: "none" },
    { sign: "jianpu", line: 4 },
  ];
  const off = clefs.map((clef) => {
    const facets: Record<string, Record<string, unknown>> = {
      parts: { p: { order: "a", name: "Violin" } },
      measures: { m1: { order: "a", number: "1" } },
      attr: { "time|m1|*|0/1": { beats: [4], unit: 4 }, "clef|m1|p|0/1": clef },
    };
    const before = facets as unknown as Facets;
    const view = normalise(before);
    const index = new ScoreIndex(view, before, new ScoreWriter().write(view, before));
    const spot = { part: "p", staff: 1, voice: 1, measure: "m1", onset: ZERO_TIME };
    const note = { kind: "note", part: "p", measure: "m1", staff: 1, voice: 1 };
    facets["ev"] = { n: { ...note, onset: [0, 1], duration: [4, 1] } };
    facets["pt"] = { n: pitchAt(middleOf(index, spot)) };
    const { svg } = engraved(facets as unknown as Facets);
    return [clef, stepsOver(svg)];
  });
  expect(off.filter(([, steps]) => steps !== 0)).toEqual([]);
});

/** How far over the middle line the only head of a picture is, in steps of the staff. */
function stepsOver(svg: string): number {
  const staff = svg.slice(svg.indexOf('class="staff"'));
  const lines = [...staff.matchAll(/<path d="M\d+ (\d+) L\d+ \1"/g)].slice(0, 5);
  const [top = Number.NaN, , , , bottom = Number.NaN] = lines.map(([, y]) => Number(y));
  const head = /class="notehead".*?translate\(\d+, (\d+)\)/s.exec(svg);
  return Math.round((((top + bottom) / 2 - Number(head?.[1])) * 8) / (bottom - top));
}
