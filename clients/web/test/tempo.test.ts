import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { nextMark, setText, textAt } from "../src/editing/directions.ts";
import { setTempo, type Tempo, tempoAt } from "../src/editing/tempo.ts";
import { tempoOf } from "../src/playback/tones.ts";
import { trio } from "./trio.ts";
import { begun, type } from "./tune.ts";

const FAST: Tempo = { unit: [3, 2], bpm: 80, text: "Allegro" };

function tempi({ doc }: Score): Record<string, unknown> {
  const all = Object.entries(doc.getMap("attr").toJSON());
  return Object.fromEntries(all.filter(([key]) => key.startsWith("tempo|")));
}

function place(desk: Desk, measure: string) {
  const found = desk.desktop.get().index.inMeasure(measure)[0];
  if (!found) throw new Error("there is no such measure");
  return found;
}

function choose(desk: Desk, measure: string, tempo: Tempo | null): void {
  desk.edit(...setTempo(desk.desktop.get().index, place(desk, measure), tempo));
}

test("EDITOR-22 a tempo holds from its measure on, is drawn and played, and taken away", () => {
  const { desk, score } = begun();
  const { index } = desk.desktop.get();
  expect([tempoAt(index, place(desk, "m1")), tempoOf(index, "m2")]).toEqual([null, 80]);
  choose(desk, "m2", FAST);
  expect(tempi(score)).toEqual({
    "tempo|m2|*|0/1": { unit: [3, 2], bpm: 80, text: "Allegro" },
  });
  const now = desk.desktop.get();
  // 80 dotted quarters are as long as 120 quarters; the second is faster.
  expect(tempoOf(now.index, "m2")).toBe(120);
  choose(desk, "m2", { unit: [1, 2], bpm: 300, text: "" });
  expect(tempoOf(desk.desktop.get().index, "m2")).toBe(150);
  expect(tempoAt(desk.desktop.get().index, place(desk, "m2"))?.at).toEqual([0, 1]);
  expect(
    now.writing.measures.map(({ content }) => /<tempo.*?<\/tempo>/.exec(content)?.[0]),
  ).toEqual([undefined, expect.stringContaining("Allegro (♩. = 80)")]);
  choose(desk, "m2", null);
  expect(tempi(score)).toEqual({});
  desk.run({ do: "undo" });
  expect(tempi(score)).toEqual({ "tempo|m2|*|0/1": { unit: [1, 2], bpm: 300 } });
});

test("EDITOR-22 what holds is that of the measure, or was written before", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("tempo|m1|*|2/1", { unit: [1, 1], bpm: 72 });
  });
  const heldAt = (measure: string) => tempoAt(desk.desktop.get().index, place(desk, measure));
  // Within the first measure it comes later than its beginning.
  expect(heldAt("m1")).toBeNull();
  expect(heldAt("m2")).toEqual({ tempo: { unit: [1, 1], bpm: 72, text: "" }, at: null });
  choose(desk, "m2", null);
  type(desk, "6cd");
  const later = desk.desktop.get().index.inMeasure("m1")[1];
  if (later) desk.edit(...setTempo(desk.desktop.get().index, later, { ...FAST, text: "" }));
  expect(tempi(score)).toEqual({ "tempo|m1|*|2/1": { unit: [3, 2], bpm: 80 } });
});

test("EDITOR-22 another tempo takes away the mark that a file had for the former one", () => {
  const sign = { part: "p", onset: [0, 1], unit: [1, 1], bpm: 60 };
  const { desk, score } = begun(({ doc }) => {
    const [attr, dir] = [doc.getMap("attr"), doc.getMap("dir")];
    for (const measure of ["m1", "m2"]) {
      attr.set(`tempo|${measure}|*|0/1`, { unit: [1, 1], bpm: 60 });
      dir.set(`mark-${measure}`, { ...sign, measure, kind: "metronome" });
    }
    dir.set("words", { ...sign, measure: "m2", kind: "words", text: "Andante" });
  });
  const left = () => [...score.doc.getMap("dir").keys()].sort();
  choose(desk, "m2", FAST);
  expect(left()).toEqual(["mark-m1", "words"]);
  choose(desk, "m1", null);
  expect([left(), Object.keys(tempi(score))]).toEqual([["words"], ["tempo|m2|*|0/1"]]);
  desk.run({ do: "undo" });
  desk.run({ do: "undo" });
  expect(left()).toEqual(["mark-m1", "mark-m2", "words"]);
});

test("EDITOR-22 words and rehearsal marks are written, changed and taken away", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("parts").set("q", { order: "b", name: "Viola", staves: 1 });
  });
  const write = (kind: "words" | "rehearsal", measure: string, part: string, text: string) => {
    const { index } = desk.desktop.get();
    const at = index.inMeasure(measure).find((each) => each.part === part);
    if (at) desk.edit(...setText(index, kind, at, text));
  };
  const said = () =>
    Object.values(score.doc.getMap("dir").toJSON()).map((each) => [
      ...[each.kind, each.part, each.measure, each.text, each.placement],
    ]);
  expect(nextMark(desk.desktop.get().index)).toBe("A");
  write("rehearsal", "m2", "q", "A");
  write("words", "m2", "q", "dolce");
  // Over the first part, for all; words are of their own.
  expect(said().sort()).toEqual([
    ["rehearsal", "p", "m2", "A", "above"],
    ["words", "q", "m2", "dolce", "above"],
  ]);
  const { index } = desk.desktop.get();
  expect(nextMark(index)).toBe("B");
  expect(textAt(index, "rehearsal", place(desk, "m2"))?.text).toBe("A");
  expect(textAt(index, "words", place(desk, "m2"))).toBeNull();
  write("words", "m2", "q", "espressivo");
  write("rehearsal", "m2", "p", "");
  expect(said()).toEqual([["words", "q", "m2", "espressivo", "above"]]);
  desk.run({ do: "undo" });
  expect(said().length).toBe(2);
});

test("EDITOR-22 words and dynamics of a lower staff stand at it, beside those of the upper one", () => {
  const { desk, score } = begun(trio);
  const write = (kind: "words" | "dynamics" | "rehearsal", id: string, text: string) => {
    const { index } = desk.desktop.get();
    const at = index.place(id);
    if (at) desk.edit(...setText(index, kind, at, text));
  };
  const said = () =>
    Object.values(score.doc.getMap("dir").toJSON()).map((each) => [each.text, each.staff ?? 1]);
  write("dynamics", "q1", "f");
  write("dynamics", "s1", "p");
  write("words", "s1", "dolce");
  write("rehearsal", "s1", "A");
  const all = [
    ["A", 1],
    ["dolce", 2],
    ["f", 1],
    ["p", 2],
  ];
  expect(said().sort()).toEqual(all);
  const drawn = desk.desktop.get().writing.measures[0]?.content ?? "";
  expect(/<dynam [^>]*staff="3"[^>]*>p</.test(drawn)).toBe(true);
  // Each is taken away by itself.
  write("dynamics", "s1", "");
  expect(said().sort()).toEqual(all.slice(0, 3));
  const { index } = desk.desktop.get();
  const shown = ["q1", "s1"].map((id) => {
    const at = index.place(id);
    return at && textAt(index, "dynamics", at)?.text;
  });
  expect(shown).toEqual(["f", undefined]);
});
