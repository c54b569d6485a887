import { describe, expect, test } from "vitest";
import { rational, readSignature } from "../src/score/facet-values.ts";
import { beatInWords, durationInWords, noteInWords } from "../src/score/note-words.ts";
import {
  altered,
  alterInKey,
  movedByOctaves,
  movedBySteps,
  nameOf,
  type Pitch,
  type Step,
  spokenName,
  withPitch,
} from "../src/score/pitch.ts";
import { type Facets, ScoreModel } from "../src/score/score-model.ts";
import { hertzOf, tonesOf } from "../src/score/sounding.ts";
import {
  labelFit,
  measureOffsets,
  noteBox,
  STEP_PX,
  visibleMeasures,
} from "../src/score/strip-layout.ts";
import { editedPitch, moveOfKey, neighbour } from "../src/score/strip-moves.ts";

/** Facets in a plain table. */
class Table implements Facets {
  readonly facets: Record<string, Record<string, unknown>>;

  constructor(facets: Record<string, Record<string, unknown>>) {
    this.facets = facets;
  }

  get(facet: string, key: string): unknown {
    return this.facets[facet]?.[key];
  }

  entries(facet: string): Array<[string, unknown]> {
    return Object.entries(this.facets[facet] ?? {});
  }

  put(facet: string, key: string, value: unknown): void {
    this.facets[facet] ??= {};
    (this.facets[facet] as Record<string, unknown>)[key] = value;
  }

  drop(facet: string, key: string): void {
    delete this.facets[facet]?.[key];
  }
}

function event(part: string, measure: string, onset: number[], duration: number[]): object {
  return { part, measure, kind: "note", onset, duration, voice: 1, staff: 1 };
}

/** Two bars of two parts in D major, the second bar shortened by one quarter. */
function sample(): Table {
  return new Table({
    meta: { title: "Two bars" },
    parts: { b: { order: "a1", name: "Bass" }, s: { order: "a0", name: "Soprano" } },
    measures: {
      m2: { order: "a1", number: "2", length: [3, 1] },
      m1: { order: "a0", number: "1" },
      gone: { order: "a05", number: "x", deleted: true },
    },
    attr: {
      "time|m1|*|0/1": { beats: [4], unit: 4 },
      "key|m1|*|0/1": { fifths: 2 },
      "tempo|m1|*|0/1": { unit: [1, 2], bpm: 120 },
    },
    ev: {
      s1: event("s", "m1", [0, 1], [1, 1]),
      s2: event("s", "m1", [1, 1], [1, 2]),
      s3: event("s", "m2", [0, 1], [3, 1]),
      b1: event("b", "m1", [0, 1], [4, 1]),
      b2: event("b", "m2", [0, 1], [1, 1]),
    },
    pt: {
      s1: { step: "F", octave: 5, alter: 1 },
      s2: { step: "E", octave: 5 },
      s3: { step: "D", octave: 5 },
      b1: { step: "D", octave: 3 },
      b2: { rest: "rest", step: "D", octave: 3 },
    },
    nx: { s3: { fermata: "upright" } },
    ly: { "s1|1": { text: "Je", syllabic: "begin" }, "s1|2": { text: "no", syllabic: "single" } },
  });
}

describe("pitches", () => {
  const pitch = (step: Step, octave: number, alter = 0): Pitch => ({ step, octave, alter });

  test("are named as musicians name them", () => {
    expect(nameOf(pitch("F", 4, 1))).toBe("F♯4");
    expect(nameOf(pitch("B", 2, -1))).toBe("B♭2");
    expect(spokenName(pitch("F", 4, 1))).toBe("F sharp 4");
  });

  test("key signatures alter the steps of the circle of fifths", () => {
    const steps: Step[] = ["C", "D", "E", "F", "G", "A", "B"];
    const signature = (fifths: number): number[] => steps.map((step) => alterInKey(step, fifths));
    expect(signature(0)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(signature(2)).toEqual([1, 0, 0, 1, 0, 0, 0]);
    expect(signature(-3)).toEqual([0, 0, -1, 0, 0, -1, -1]);
    expect(signature(7)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(signature(-7)).toEqual([-1, -1, -1, -1, -1, -1, -1]);
  });

  test("a step stays in the key and crosses the octave between B and C", () => {
    expect(movedBySteps(pitch("B", 4), 1, 2)).toEqual(pitch("C", 5, 1));
    expect(movedBySteps(pitch("C", 5, 1), -1, 2)).toEqual(pitch("B", 4));
    expect(movedBySteps(pitch("E", 4), 1, 0)).toEqual(pitch("F", 4));
    expect(movedBySteps(pitch("B", 9), 1, 0)).toBeNull();
    expect(movedBySteps(pitch("C", 0), -1, 0)).toBeNull();
  });

  test("octaves keep the alteration, semitones keep the letter", () => {
    expect(movedByOctaves(pitch("F", 4, 1), -1)).toEqual(pitch("F", 3, 1));
    expect(movedByOctaves(pitch("F", 9), 1)).toBeNull();
    expect(altered(pitch("F", 4, 1), 1)).toEqual(pitch("F", 4, 2));
    expect(altered(pitch("F", 4, 2), 1)).toBeNull();
  });

  test("an edited value keeps the rest, and prints a sign only against the key", () => {
    const value = { step: "C", octave: 5, alter: 1, colour: "red" };
    expect(withPitch(value, pitch("D", 5), 2)).toEqual({ step: "D", octave: 5, colour: "red" });
    expect(withPitch(value, pitch("C", 5), 2)).toEqual({
      step: "C",
      octave: 5,
      colour: "red",
      accidental: "natural",
    });
    expect(withPitch(value, pitch("F", 5, 1), 2)).toEqual({
      step: "F",
      octave: 5,
      alter: 1,
      colour: "red",
    });
  });

  test("sound at the frequencies of equal temperament", () => {
    expect(hertzOf(pitch("A", 4))).toBeCloseTo(440, 6);
    expect(hertzOf(pitch("C", 4))).toBeCloseTo(261.6256, 3);
    expect(hertzOf(pitch("B", 3, 1))).toBeCloseTo(261.6256, 3);
  });
});

describe("the model of a score", () => {
  test("orders parts and measures, drops what is deleted, and carries time and key on", () => {
    const model = new ScoreModel(sample());
    expect(model.parts.map((part) => part.name)).toEqual(["Soprano", "Bass"]);
    expect(model.measures).toEqual([
      { id: "m1", number: "1", length: 4, fifths: 2, time: "4/4" },
      { id: "m2", number: "2", length: 3, fifths: 2, time: null },
    ]);
    expect(model.meta("title")).toBe("Two bars");
    // 120 eighths a minute are 60 quarters.
    expect(model.tempo()).toBe(60);
  });

  test("puts together each note from its facets", () => {
    const model = new ScoreModel(sample());
    expect(model.cell("s", "m1")).toMatchObject([
      { id: "s1", onset: 0, duration: 1, syllable: "Je-", fermata: false },
      { id: "s2", onset: 1, duration: 0.5, syllable: null },
    ]);
    expect(model.cell("s", "m2")).toMatchObject([{ id: "s3", fermata: true }]);
    expect(model.note("b2")).toMatchObject({ rest: true, pitch: null });
    expect(model.parts[0]).toMatchObject({ highest: 38, lowest: 36, hasText: true });
  });

  test("an edit replaces its note and leaves the other cells as they were", () => {
    const table = sample();
    const model = new ScoreModel(table);
    const before = { edited: model.cell("s", "m1"), other: model.cell("b", "m1") };
    table.put("pt", "s1", { step: "G", octave: 5 });
    model.changed("pt", ["s1"]);
    expect(model.note("s1")?.pitch).toEqual({ step: "G", octave: 5, alter: 0 });
    expect(model.cell("s", "m1")).not.toBe(before.edited);
    expect(model.cell("b", "m1")).toBe(before.other);
    expect(model.parts[0]?.highest).toBe(39);
  });

  test("notes move between cells, appear and go with their facets", () => {
    const table = sample();
    const model = new ScoreModel(table);
    table.put("ev", "s1", event("s", "m2", [2, 1], [1, 1]));
    model.changed("ev", ["s1"]);
    expect(model.cell("s", "m1").map((note) => note.id)).toEqual(["s2"]);
    expect(model.cell("s", "m2").map((note) => note.id)).toEqual(["s3", "s1"]);
    table.drop("pt", "s1");
    model.changed("pt", ["s1"]);
    expect(model.note("s1")).toBeUndefined();
    expect(model.cell("s", "m2").map((note) => note.id)).toEqual(["s3"]);
    table.put("ly", "s2|1", { text: "su", syllabic: "end" });
    model.changed("ly", ["s2|1"]);
    expect(model.note("s2")?.syllable).toBe("su");
  });

  test("entry by entry it comes to what reading everything gives", () => {
    const table = sample();
    const model = new ScoreModel(table);
    const changes: Array<[string, string, unknown]> = [
      ["ev", "s4", event("s", "m1", [3, 2], [1, 2])],
      ["pt", "s4", { step: "C", octave: 5, alter: 1 }],
      ["pt", "b2", { step: "A", octave: 2 }],
      ["nx", "b2", { fermata: "upright" }],
      ["ly", "s1|1", undefined],
      ["measures", "m3", { order: "a2", number: "3" }],
      ["ev", "s2", "nonsense"],
    ];
    for (const [facet, key, value] of changes) {
      if (value === undefined) table.drop(facet, key);
      else table.put(facet, key, value);
      model.changed(facet, [key]);
    }
    const fresh = new ScoreModel(table);
    expect(model.measures).toEqual(fresh.measures);
    expect(model.parts).toEqual(fresh.parts);
    for (const part of fresh.parts) {
      for (const measure of fresh.measures) {
        expect(model.cell(part.id, measure.id)).toEqual(fresh.cell(part.id, measure.id));
      }
    }
  });

  test.each([
    ["no object", 7],
    ["null", null],
    ["no onset", { part: "s", measure: "m1", duration: [1, 1] }],
    ["an onset over zero", { part: "s", measure: "m1", onset: [1, 0], duration: [1, 1] }],
    ["an absurd length", { part: "s", measure: "m1", onset: [0, 1], duration: [1e9, 1] }],
    ["a grace note", { ...event("s", "m1", [0, 1], [0, 1]), grace: { order: "a0" } }],
  ])("an event that is %s is not drawn", (_what, value) => {
    const table = sample();
    table.put("ev", "s1", value);
    expect(new ScoreModel(table).note("s1")).toBeUndefined();
  });

  test("rationals and signatures are read strictly", () => {
    expect(rational([3, 2])).toBe(1.5);
    expect(rational([1, 0])).toBeNull();
    expect(rational("3/2")).toBeNull();
    expect(readSignature("time|m1|*|0/1", { beats: [3, 2], unit: 8 })).toEqual({
      kind: "time",
      measure: "m1",
      length: 2.5,
      label: "3+2/8",
    });
    expect(readSignature("key|m1|P1|0/1", { fifths: 1 })).toBeNull();
  });
});

describe("the layout of the strip", () => {
  test("only the measures in the window are drawn", () => {
    const offsets = [0, 100, 200, 300, 400];
    expect(visibleMeasures(offsets, 0, 150)).toEqual({ first: 0, end: 2 });
    expect(visibleMeasures(offsets, 150, 100)).toEqual({ first: 1, end: 3 });
    expect(visibleMeasures(offsets, -200, 100)).toEqual({ first: 0, end: 0 });
    expect(visibleMeasures(offsets, 350, 9000)).toEqual({ first: 3, end: 4 });
    expect(visibleMeasures([0], 0, 100)).toEqual({ first: 0, end: 0 });
  });

  test("a longer measure is wider, and each begins where the one before ends", () => {
    const [first, second, third] = measureOffsets(new ScoreModel(sample()).measures);
    expect(first).toBe(0);
    expect(Number(third) - Number(second)).toBeLessThan(Number(second));
  });

  test("a step higher lies higher by one step", () => {
    const model = new ScoreModel(sample());
    const [part] = model.parts;
    const [high, lower] = model.cell("s", "m1");
    if (part === undefined || high === undefined || lower === undefined) throw new Error("sample");
    expect(noteBox(lower, part).top - noteBox(high, part).top).toBe(STEP_PX);
    expect(noteBox(lower, part).left).toBeGreaterThan(noteBox(high, part).left);
  });

  test("a name is shown as far as it fits", () => {
    expect([50, 24, 10].map(labelFit)).toEqual(["full", "letter", "none"]);
  });
});

describe("keys on the strip", () => {
  const press = (key: string, shiftKey = false, altKey = false) =>
    moveOfKey({ key, shiftKey, altKey });

  test("mean what the help says", () => {
    expect(press("ArrowUp")).toEqual({ kind: "steps", by: 1 });
    expect(press("ArrowDown", true)).toEqual({ kind: "octaves", by: -1 });
    expect(press("ArrowDown", false, true)).toEqual({ kind: "across", by: 1 });
    expect(press("+")).toEqual({ kind: "semitones", by: 1 });
    expect(press("x")).toBeNull();
  });

  test("lead along the part and over the bar", () => {
    const model = new ScoreModel(sample());
    const go = (from: string, by: 1 | -1): string | undefined => {
      const note = model.note(from);
      return note && neighbour(model, note, { kind: "along", by })?.id;
    };
    expect(go("s2", 1)).toBe("s3");
    expect(go("s3", -1)).toBe("s2");
    expect(go("s3", 1)).toBeUndefined();
  });

  test("lead to what sounds at the same time in the next part", () => {
    const model = new ScoreModel(sample());
    const note = model.note("s2");
    if (note === undefined) throw new Error("sample");
    expect(neighbour(model, note, { kind: "across", by: 1 })?.id).toBe("b1");
    expect(neighbour(model, note, { kind: "across", by: -1 })).toBeNull();
  });

  test("change the pitch within the key", () => {
    const pitch: Pitch = { step: "E", octave: 5, alter: 0 };
    expect(editedPitch(pitch, 2, { kind: "steps", by: 1 })).toEqual({
      step: "F",
      octave: 5,
      alter: 1,
    });
  });
});

describe("notes in words", () => {
  test("are read out with place and value", () => {
    const model = new ScoreModel(sample());
    const note = model.note("s1");
    const [part] = model.parts;
    const [measure] = model.measures;
    if (note === undefined || part === undefined || measure === undefined)
      throw new Error("sample");
    expect(noteInWords(note, part, measure)).toBe(
      "Soprano, measure 1, beat 1, F sharp 5, quarter note, sung “Je”",
    );
  });

  test("beats and values have their usual names", () => {
    expect(beatInWords(1.5)).toBe("beat 2½");
    expect(beatInWords(1 / 3)).toBe("beat 1.33");
    expect(durationInWords(1.5)).toBe("dotted quarter note");
    expect(durationInWords(2 / 3)).toBe("0.667 quarters");
  });

  test("only what sounds is played", () => {
    const model = new ScoreModel(sample());
    expect(tonesOf(model, "m2").map((tone) => tone.id)).toEqual(["s3"]);
    expect(tonesOf(model, "m1").map((tone) => tone.start)).toEqual([0, 0, 1]);
  });
});
