import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { INSTRUMENTS, type Instrument } from "../src/editing/instruments.ts";
import { addPart, movePart, partsOf } from "../src/editing/parts.ts";
import { FAMILY_NAMES, INSTRUMENT_NAMES } from "../src/words/instruments.ts";
import { begun } from "./tune.ts";

const { woodwinds, percussion, keyboards, strings } = INSTRUMENTS;

function add(desk: Desk, instrument: Instrument, id: string): void {
  expect(desk.edit(...addPart(desk.desktop.get().index, instrument, id).operations)).toBe(true);
}

/** What is written in one scope, by kind, measure and onset. */
function settings({ doc }: Score, scope: string): Record<string, unknown> {
  const all = Object.entries(doc.getMap("attr").toJSON());
  const own = all.map(([key, value]) => [key.split("|"), value] as const);
  return Object.fromEntries(
    own.flatMap(([[kind, measure, whose, at], value]) =>
      whose === scope ? [[`${kind} ${measure} ${at}`, value]] : [],
    ),
  );
}

function names(desk: Desk): string[] {
  return partsOf(desk.desktop.get().index).map(({ name }) => name);
}

test("EDITOR-21 a part is added in the key that is there, as it reads it, in one step", () => {
  const { desk, score } = begun(({ doc }) => {
    // D major from the start, then E flat major, and F major within a measure.
    doc.getMap("attr").set("key|m2|*|0/1", { fifths: -3, mode: "major" });
    doc.getMap("attr").set("key|m2|*|2/1", { fifths: -1 });
  });
  add(desk, woodwinds.clarinet, "c");
  expect(score.doc.getMap("parts").get("c")).toMatchObject({
    name: "Clarinet in B♭",
    abbreviation: "Cl.",
    staves: 1,
    transposition: { diatonic: -1, chromatic: -2 },
  });
  // A clarinet in B flat reads a tone higher.
  expect(settings(score, "c")).toEqual({
    "clef m1 0/1": { sign: "G", line: 2 },
    "key m1 0/1": { fifths: 4 },
    "key m2 0/1": { fifths: -1, mode: "major" },
    "key m2 2/1": { fifths: 1 },
  });
  expect(names(desk)).toEqual(["Violin", "Clarinet in B♭"]);
  desk.run({ do: "undo" });
  expect([names(desk), settings(score, "c")]).toEqual([["Violin"], {}]);
  expect(score.history.state.get().canUndo).toBe(false);
});

test("EDITOR-21 what is said for all holds for a new part that sounds as it is written", () => {
  const { desk, score } = begun();
  add(desk, strings.cello, "vc");
  expect(settings(score, "vc")).toEqual({ "clef m1 0/1": { sign: "F", line: 4 } });
});

test("EDITOR-21 keys and metres of single parts are those of a new one, beside a transposing one", () => {
  const { desk, score } = begun(({ doc }) => {
    const transposition = { diatonic: -4, chromatic: -7 };
    doc.getMap("parts").set("p", { order: "a", name: "Horn in F", staves: 1, transposition });
    const attr = doc.getMap("attr");
    for (const key of ["key|m1|*|0/1", "time|m1|*|0/1"]) attr.delete(key);
    attr.set("key|m1|p|0/1", { fifths: 0 });
    attr.set("key|m2|p|0/1", { fifths: 7 });
    attr.set("time|m1|p|0/1", { beats: [3], unit: 4 });
  });
  add(desk, keyboards.piano, "pno");
  // What a horn reads without signs sounds in F, and C sharp major in F sharp.
  expect(settings(score, "pno")).toEqual({
    "key m1 0/1": { fifths: -1 },
    "key m2 0/1": { fifths: 6 },
    "time m1 0/1": { beats: [3], unit: 4 },
  });
  expect(settings(score, "pno/1")).toEqual({ "clef m1 0/1": { sign: "G", line: 2 } });
  expect(settings(score, "pno/2")).toEqual({ "clef m1 0/1": { sign: "F", line: 4 } });
  // Seven flats are the most that is written: A sounds for G flat major's clarinet.
  add(desk, woodwinds.altoSaxophone, "sax");
  expect(settings(score, "sax")).toMatchObject({
    "key m1 0/1": { fifths: 2 },
    "key m2 0/1": { fifths: -3 },
  });
});

test("EDITOR-21 a part is added though a key stands behind the end of a measure that became shorter", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("key|m1|p|3/1", { fifths: -3 });
    doc.getMap("measures").set("m1", { order: "a", number: "1", length: [2, 1] });
  });
  add(desk, strings.viola, "va");
  expect(settings(score, "va")).toMatchObject({ "key m1 2/1": { fifths: -3 } });
});

test("EDITOR-21 drums have no key, wherever others change theirs", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("key|m2|*|0/1", { fifths: -3 });
  });
  add(desk, percussion.drums, "d");
  expect(settings(score, "d")).toEqual({
    "clef m1 0/1": { sign: "percussion" },
    "key m1 0/1": { fifths: 0 },
    "key m2 0/1": { fifths: 0 },
  });
});

test("EDITOR-21 a second one of its kind says so, and parts go up and down", () => {
  const { desk } = begun();
  add(desk, strings.violin, "v2");
  add(desk, strings.violin, "v3");
  expect(names(desk)).toEqual(["Violin", "Violin 2", "Violin 3"]);
  const move = (part: string, by: 1 | -1) =>
    desk.edit(...movePart(desk.desktop.get().index, part, by));
  move("v3", -1);
  expect(names(desk)).toEqual(["Violin", "Violin 3", "Violin 2"]);
  move("v3", -1);
  expect(names(desk)).toEqual(["Violin 3", "Violin", "Violin 2"]);
  move("v3", -1);
  move("p", 1);
  expect(names(desk)).toEqual(["Violin 3", "Violin 2", "Violin"]);
  desk.run({ do: "undo" });
  expect(names(desk)).toEqual(["Violin 3", "Violin", "Violin 2"]);
});

test("EDITOR-21 a part goes with all that is in it, and comes back with it", () => {
  const { desk, score } = begun();
  add(desk, strings.cello, "vc");
  const at = { part: "vc", measure: "m1", onset: [0, 1], duration: [4, 1] } as const;
  desk.edit({ op: "InsertNote", ...at, pitch: { step: "C", octave: 3 } });
  const before = score.doc.toJSON();
  desk.edit({ op: "RemovePart", part: "vc" });
  expect([names(desk), settings(score, "vc")]).toEqual([["Violin"], {}]);
  expect(score.doc.getMap("ev").size).toBe(0);
  desk.run({ do: "undo" });
  expect(score.doc.toJSON()).toEqual(before);
});

test("instruments have names in both languages, and as the server's templates have them", () => {
  const all = Object.entries(INSTRUMENTS);
  for (const language of ["en", "zh-Hant"] as const) {
    expect(Object.keys(FAMILY_NAMES[language])).toEqual(all.map(([family]) => family));
    const listed = Object.keys(INSTRUMENT_NAMES[language]);
    expect(listed.sort()).toEqual(all.flatMap(([, each]) => Object.keys(each)).sort());
  }
  for (const [, family] of all) {
    for (const [key, { name }] of Object.entries(family)) {
      expect(INSTRUMENT_NAMES.en[key as "violin"]).toBe(name);
    }
  }
});
