import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { addMeasure } from "../src/editing/measures.ts";
import { asText, entryOf } from "../src/engraving/entries.ts";
import { begun, music, type } from "./tune.ts";

interface Measure {
  readonly number: string;
  readonly implicit?: boolean;
  readonly length?: readonly [number, number];
}

/** Measures m1, m2 ... that say of themselves what is given. */
function measures({ doc }: Score, all: readonly Measure[]): void {
  doc.transact(() => {
    for (const [at, value] of all.entries()) {
      doc.getMap("measures").set(`m${at + 1}`, { order: `c${at + 10}`, ...value });
    }
  });
}

function plain(...numbers: readonly (string | number)[]): Measure[] {
  return numbers.map((number) => ({ number: String(number) }));
}

function numbers({ desk }: { desk: Desk }): string {
  const { view, facets } = desk.desktop.get().index;
  return view.measures.map(({ id }) => asText(entryOf(facets, "measures", id)["number"])).join(" ");
}

function at(desk: Desk): number {
  const { index, selected } = desk.desktop.get();
  return index.measureIndex(selected[0]?.measure ?? "");
}

function goTo(desk: Desk, measure: number): void {
  const { index } = desk.desktop.get();
  const place = index.inMeasure(index.view.measures[measure]?.id ?? "")[0];
  desk.select(place?.id ?? "");
}

test("EDITOR-22 a measure is put in before or behind the selected one, and those behind counted on", () => {
  const { desk, score } = begun((each) => measures(each, plain(1, 2, 3)));
  type(desk, "7cde");
  expect(music({ desk })).toEqual(["C#5:4", "D5:4", "E5:4", "-:4"]);
  goTo(desk, 1);
  type(desk, "<Insert>");
  expect(music({ desk })).toEqual(["C#5:4", "-:4", "D5:4", "E5:4", "-:4"]);
  expect([numbers({ desk }), at(desk)]).toEqual(["1 2 3 4 5", 1]);
  type(desk, "f");
  goTo(desk, 2);
  type(desk, "~<Insert>");
  expect(music({ desk })).toEqual(["C#5:4", "F#5:4", "D5:4", "-:4", "E5:4", "-:4"]);
  expect([numbers({ desk }), at(desk)]).toEqual(["1 2 3 4 5 6", 3]);
  desk.run({ do: "undo" });
  expect(music({ desk })).toEqual(["C#5:4", "F#5:4", "D5:4", "E5:4", "-:4"]);
  expect(numbers({ desk })).toBe("1 2 3 4 5");
  // Behind the last one it is the last one.
  score.doc.getMap("attr").set("barline|m3|*|right", { style: "light-light" });
  goTo(desk, 4);
  type(desk, "~<Insert>");
  expect([numbers({ desk }), at(desk)]).toEqual(["1 2 3 4 5 6", 5]);
});

test("EDITOR-22 a piece that begins earlier begins in the same key, metre and clef", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("tempo|m1|*|0/1", { unit: [1, 1], bpm: 90 });
  });
  const signs = () => [...(desk.desktop.get().writing.signs[0]?.staves.values() ?? [])];
  const before = signs().map((each) => each.signs);
  const keys = [...score.doc.getMap("attr").keys()].sort();
  type(desk, "<Insert>");
  expect(music({ desk })).toEqual(["-:4", "-:4", "-:4"]);
  expect(signs().map((each) => each.signs)).toEqual(before);
  expect([numbers({ desk }), at(desk)]).toEqual(["1 2 3", 0]);
  expect(desk.desktop.get().writing.signs[0]?.tempi.length).toBe(1);
  desk.run({ do: "undo" });
  expect([...score.doc.getMap("attr").keys()].sort()).toEqual(keys);
});

test("EDITOR-22 what is put in between is under an ending, or repeated, where both neighbours are", () => {
  const { desk } = begun((score) => {
    measures(score, plain(1, 2, 3, 4));
    const { doc } = score;
    doc.getMap("attr").set("barline|m2|*|left", { style: "heavy-light", repeat: "forward" });
    doc.getMap("attr").set("barline|m3|*|right", { style: "light-heavy", repeat: "backward" });
    doc.getMap("sp").set("e", { kind: "ending", start: "m2", end: "m3", text: "1" });
  });
  const ending = () => desk.desktop.get().writing.endings.map(({ first, last }) => [first, last]);
  const insert = (measure: number, keys: string) => {
    goTo(desk, measure);
    type(desk, keys);
  };
  insert(1, "<Insert>");
  expect(ending()).toEqual([[2, 3]]);
  insert(2, "~<Insert>");
  expect(ending()).toEqual([[2, 4]]);
  insert(4, "~<Insert>");
  expect(ending()).toEqual([[2, 4]]);
  expect(numbers({ desk })).toBe("1 2 3 4 5 6 7");
});

test("EDITOR-22 measures that are left are counted on when one is deleted, in the same step", () => {
  const { desk, score } = begun((each) => measures(each, plain(1, 2, 3, 4)));
  goTo(desk, 1);
  type(desk, "^<Backspace>");
  expect([numbers({ desk }), at(desk)]).toEqual(["1 2 3", 1]);
  goTo(desk, 0);
  type(desk, "^<Backspace>");
  expect(numbers({ desk })).toBe("1 2");
  desk.run({ do: "undo" });
  desk.run({ do: "undo" });
  expect([numbers({ desk }), score.history.state.get().canUndo]).toEqual(["1 2 3 4", false]);
});

test("EDITOR-22 a score all of whose measures were deleted begins again as it did", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("clef|m1|p|0/1", { sign: "F", line: 4 });
  });
  const signs = () => desk.desktop.get().writing.signs[0]?.staves.get(1)?.signs;
  const before = signs();
  type(desk, "^a^<Backspace>");
  expect(music({ desk })).toEqual([]);
  desk.edit(...addMeasure(desk.desktop.get().index));
  expect([numbers({ desk }), signs()]).toEqual(["1", before]);
  desk.run({ do: "undo" });
  desk.run({ do: "undo" });
  expect([numbers({ desk }), signs(), score.history.state.get().canUndo]).toEqual([
    ...["1 2", before, false],
  ]);
});

test("EDITOR-22 an upbeat is number 0 or none, and what is no upbeat is counted from 1", () => {
  const upbeat = { number: "0", length: [1, 1] } as const;
  const withUpbeat = begun((score) => measures(score, [upbeat, ...plain(1, 2)]));
  goTo(withUpbeat.desk, 1);
  type(withUpbeat.desk, "<Insert>");
  expect(numbers(withUpbeat)).toBe("0 1 2 3");
  goTo(withUpbeat.desk, 0);
  type(withUpbeat.desk, "^<Backspace>");
  expect(numbers(withUpbeat)).toBe("1 2 3");
  const uncounted = begun((score) =>
    measures(score, [{ number: "X1", implicit: true }, ...plain(1, 2)]),
  );
  goTo(uncounted.desk, 0);
  type(uncounted.desk, "~<Insert>");
  expect(numbers(uncounted)).toBe("X1 1 2 3");
});

test.each([
  ["letters", ["1", "2", "2a", "3"], "1 1a 2 2a 3"],
  ["another movement", ["1", "2", "1", "2"], "1 1a 2 1 2"],
  ["an excerpt that skips some", ["1", "2", "25", "26"], "1 1a 2 25 26"],
])("EDITOR-22 somebody's own numbers stay: %s", (_what, own, then) => {
  const { desk } = begun((score) => measures(score, plain(...own)));
  goTo(desk, 0);
  type(desk, "~<Insert>");
  expect(numbers({ desk })).toBe(then);
});

test("EDITOR-22 a number that is there twice, or is that of a deleted measure, is counted anew", () => {
  // Two people put in a measure at once.
  const twice = begun((score) => measures(score, plain(1, 2, 3, 3, 4)));
  type(twice.desk, "~<Insert>");
  expect(numbers(twice)).toBe("1 2 3 4 5 6");
  // Somebody took back a measure when another had counted on behind it.
  const undone = begun((score) => measures(score, plain(1, 2, 4, 5)));
  type(undone.desk, "~<Insert>");
  expect(numbers(undone)).toBe("1 2 3 4 5");
  const left = begun((score) => {
    measures(score, plain(1, 2, 3));
    score.doc.getMap("measures").set("m2", { order: "c11", number: "2", deleted: true });
  });
  expect(numbers(left)).toBe("1 3");
  type(left.desk, "~<Insert>");
  expect(numbers(left)).toBe("1 2 3");
});
