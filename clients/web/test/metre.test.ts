import { timeText } from "bandpro-score";
import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { asText, entryOf } from "../src/engraving/entries.ts";
import { begun, music, type } from "./tune.ts";

const LONG_ID = "n".repeat(100);
const WALTZ = { beats: [3], unit: 4 };

type Time = readonly [number, number];
type Note = readonly [id: string, measure: string, onset: number | Time, lasts: number | Time];

function time(value: number | Time): Time {
  return typeof value === "number" ? [value, 1] : value;
}

/** Writes notes of one pitch into a voice. */
function write({ doc }: Score, pitch: string, notes: readonly Note[], fields = {}): void {
  const [step, octave] = [pitch[0], Number(pitch[1])];
  doc.transact(() => {
    for (const [id, measure, onset, lasts] of notes) {
      const at = { part: "p", measure, onset: time(onset), duration: time(lasts) };
      doc.getMap("ev").set(id, { kind: "note", voice: 1, staff: 1, ...at, ...fields });
      doc.getMap("pt").set(id, { step, octave });
    }
  });
}

function measures({ doc }: Score, from: number, to: number): void {
  for (let number = from; number <= to; number += 1) {
    const order = `c${String(number).padStart(4, "0")}`;
    doc.getMap("measures").set(`m${number}`, { order, number: String(number) });
  }
}

function entries({ doc }: Score, facet: string, kind: string): Record<string, unknown>[] {
  const all = Object.values(doc.getMap(facet).toJSON()) as Record<string, unknown>[];
  return all.filter((entry) => entry["kind"] === kind);
}

function numbers(desk: Desk): string[] {
  const { index } = desk.desktop.get();
  return index.view.measures.map(({ id }) =>
    asText(entryOf(index.facets, "measures", id)["number"]),
  );
}

function lengths(desk: Desk): (string | null)[] {
  const { view } = desk.desktop.get().index;
  return view.measures.map(({ length }) => length && timeText(length));
}

function tune(score: Score): void {
  write(score, "D5", [["a", "m1", 0, 2]]);
  write(score, "E5", [["b", "m1", 2, 2]]);
  write(score, "G5", [["c", "m2", 0, 4]]);
}

const IN_FOUR = ["D5:2 E5:2", "G5:4"];
const IN_THREE = ["D5:2 E5:1", "E5:1 G5:2", "G5:2 -:1"];

test("EDITOR-18 another metre bars the music anew, as one step for undo", () => {
  const { desk, score } = begun(tune);
  desk.select("b");
  expect(music({ desk })).toEqual(IN_FOUR);
  desk.setTime(WALTZ);
  expect(music({ desk })).toEqual(IN_THREE);
  const ties = entries(score, "sp", "tie").map(({ start }) => asText(start));
  expect(ties.sort()).toEqual(["b", "c"]);
  expect(desk.desktop.get().selected.map((place) => place.id)).toEqual(["b"]);
  expect(numbers(desk)).toEqual(["1", "2", "3"]);
  expect(desk.refused.get()).toBeNull();
  desk.run({ do: "undo" });
  expect(score.history.state.get().canUndo).toBe(false);
  expect([music({ desk }), lengths(desk)]).toEqual([IN_FOUR, ["4/1", "4/1"]]);
  desk.run({ do: "redo" });
  expect(music({ desk })).toEqual(IN_THREE);
});

test("EDITOR-18 all parts and staves are barred anew", () => {
  const { desk } = begun((score) => {
    score.doc.getMap("parts").set("q", { order: "b", name: "Piano", staves: 2 });
    tune(score);
    write(score, "A4", [["d", "m1", 1, 3]], { part: "q" });
    write(score, "B3", [["e", "m2", 0, 4]], { part: "q", staff: 2, voice: 5 });
  });
  desk.setTime(WALTZ);
  // Of the piano each staff follows the violin.
  expect(music({ desk })).toEqual([
    "D5:2 E5:1 -:1 A4:2 -:3",
    "E5:1 G5:2 A4:1 -:1 -:1 -:1 B3:2",
    "G5:2 -:1 -:3 B3:2 -:1",
  ]);
});

test("EDITOR-18 music is barred anew up to the next metre, which stays where it is", () => {
  const { desk } = begun((score) => {
    measures(score, 3, 4);
    score.doc.getMap("attr").set("time|m3|*|0/1", { beats: [2], unit: 4 });
    tune(score);
    write(score, "A5", [["d", "m3", 0, 2]]);
  });
  desk.setTime(WALTZ);
  expect(music({ desk })).toEqual([...IN_THREE, "A5:2", "-:2"]);
  expect(numbers(desk)).toEqual(["1", "2", "3", "4", "5"]);
});

test("EDITOR-18 a metre in the middle leaves what is before it", () => {
  const { desk } = begun(tune);
  desk.select("c");
  desk.setTime({ beats: [2], unit: 4 });
  expect(music({ desk })).toEqual(["D5:2 E5:2", "G5:2", "G5:2"]);
  // And the other way round two measures are one again.
  desk.setTime({ beats: [4], unit: 4 });
  expect(music({ desk })).toEqual(["D5:2 E5:2", "G5:2 G5:2"]);
});

test("EDITOR-18 a metre that lasts as long moves nothing, nor one where nothing is written", () => {
  const { desk, score } = begun(tune);
  desk.setTime({ beats: [2], unit: 2 });
  expect([music({ desk }), entries(score, "sp", "tie")]).toEqual([IN_FOUR, []]);
  const empty = begun();
  empty.desk.setTime(WALTZ);
  expect([music(empty), lengths(empty.desk)]).toEqual([
    ["-:3", "-:3"],
    ["3/1", "3/1"],
  ]);
});

test("EDITOR-18 an upbeat stays one, with the measure that makes up for it", () => {
  const { desk } = begun((score) => {
    measures(score, 1, 3);
    score.doc.getMap("measures").set("m1", { order: "c0001", number: "0", length: [1, 1] });
    score.doc.getMap("measures").set("m3", { order: "c0003", number: "2", length: [3, 1] });
    score.doc.getMap("measures").set("m2", { order: "c0002", number: "1" });
    write(score, "D5", [["a", "m1", 0, 1]]);
    write(score, "E5", [["b", "m2", 0, 4]]);
    write(score, "G5", [["c", "m3", 0, 3]]);
  });
  desk.setTime({ beats: [2], unit: 4 });
  expect(music({ desk })).toEqual(["D5:1", "E5:2", "E5:2", "G5:2", "G5:1"]);
  expect(lengths(desk)).toEqual(["1/1", "2/1", "2/1", "2/1", "1/1"]);
  expect(numbers(desk)).toEqual(["0", "1", "2", "3", "4"]);
});

test("EDITOR-18 what is repeated stays so, under its endings", () => {
  const { desk, score } = begun((each) => {
    measures(each, 1, 4);
    write(each, "D5", [["a", "m1", 0, 4]]);
    write(each, "E5", [["b", "m2", 0, 4]]);
    write(each, "G5", [["c", "m3", 0, 4]]);
    write(each, "A5", [["d", "m4", 0, 4]]);
    const attr = each.doc.getMap("attr");
    attr.set("barline|m1|*|left", { style: "heavy-light", repeat: "forward" });
    attr.set("barline|m2|*|right", { style: "light-heavy", repeat: "backward" });
    attr.set("barline|m4|*|right", { style: "light-heavy" });
    const ending = { kind: "ending", start: "m2", end: "m2", text: "1" };
    each.doc.getMap("sp").set("first", ending);
    each.doc.getMap("sp").set("second", { ...ending, start: "m3", end: "m3", text: "2" });
  });
  desk.setTime(WALTZ);
  // Each of them ends as it did, in a measure that is as short as what is left.
  expect(music({ desk })).toEqual([
    ...["D5:3", "D5:1", "E5:3", "E5:1", "G5:3", "G5:1"],
    ...["A5:3", "A5:1 -:1 -:1"],
  ]);
  const ids = desk.desktop.get().index.view.measures.map(({ id }) => id);
  const attr = score.doc.getMap("attr").toJSON();
  const right = ids.map((id) => attr[`barline|${id}|*|right`]?.repeat ?? null);
  expect(right).toEqual([null, null, null, "backward", null, null, null, null]);
  expect(attr[`barline|${ids[7]}|*|right`]).toEqual({ style: "light-heavy" });
  const found = entries(score, "sp", "ending").map(({ start, end, text }) => [
    ...[text, ids.indexOf(asText(start)), ids.indexOf(asText(end))],
  ]);
  expect(found).toEqual([
    ["1", 2, 3],
    ["2", 4, 5],
  ]);
});

test("EDITOR-18 the cursor stays in its moment", () => {
  const { desk } = begun((score) => write(score, "D5", [["a", "m1", 0, 3]]));
  desk.select("a");
  // Empty time, on the fourth beat.
  type(desk, "<ArrowRight>");
  desk.setTime(WALTZ);
  const [place] = desk.desktop.get().selected;
  expect(place && [place.measure, timeText(place.onset)]).toEqual(["m2", "0/1"]);
  type(desk, "e");
  expect(music({ desk })).toEqual(["D5:3", "E5:1 -:1 -:1", "-:3"]);
});

test("EDITOR-18 where parts have metres of their own, the metre is written and that is said", () => {
  const { desk, score } = begun((each) => {
    each.doc.getMap("parts").set("q", { order: "b", name: "Drum", staves: 1 });
    each.doc.getMap("attr").set("time|m1|q|0/1", { beats: [6], unit: 4 });
    tune(each);
  });
  desk.setTime(WALTZ);
  expect(desk.refused.get()).toBe("bars");
  expect(score.doc.getMap("attr").get("time|m1|*|0/1")).toEqual(WALTZ);
  expect(entries(score, "sp", "tie")).toEqual([]);
  score.history.undo();
  expect(score.history.state.get().canUndo).toBe(false);
  // Whatever is written next takes the word away.
  desk.setTime(WALTZ);
  desk.edit({ op: "SetHeader", name: "title", text: "Waltz" });
  expect(desk.refused.get()).toBeNull();
});

test("EDITOR-18 a metre that would need a thousand more measures is written alone", () => {
  const { desk } = begun((score) => {
    measures(score, 3, 610);
    write(score, "D5", [["a", "m610", 0, 4]]);
  });
  desk.setTime({ beats: [3], unit: 8 });
  expect(desk.refused.get()).toBe("bars");
  expect(lengths(desk)).toEqual(Array.from({ length: 610 }, () => "3/2"));
});

test("EDITOR-18 a metre that would move more notes than one edit writes is written alone", () => {
  const { desk, score } = begun((each) => {
    measures(each, 3, 310);
    for (let bar = 1; bar <= 310; bar += 1) {
      const notes = Array.from(
        { length: 16 },
        (_, at): Note => [...([`${LONG_ID}${bar}x${at}`, `m${bar}`, [at, 4], [1, 4]] as const)],
      );
      write(each, "D5", notes);
    }
  });
  desk.setTime(WALTZ);
  expect(desk.refused.get()).toBe("bars");
  expect(score.doc.getMap("attr").get("time|m1|*|0/1")).toEqual(WALTZ);
  expect(lengths(desk).length).toBe(310);
});
