import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { repeatedAt } from "../src/editing/repeats.ts";
import { routeOf, type Step } from "../src/playback/route.ts";
import { begun, type } from "./tune.ts";

/** Six empty measures, A to F, with a final barline; the cursor is in the first. */
function measures(extra: (score: Score) => void = () => undefined) {
  return begun((score) => {
    const all = score.doc.getMap("measures");
    all.clear();
    for (const id of "ABCDEF") all.set(id, { order: id.toLowerCase(), number: id });
    score.doc.getMap("attr").set("time|A|*|0/1", { beats: [4], unit: 4 });
    score.doc.getMap("attr").set("barline|F|*|right", { style: "light-heavy" });
    extra(score);
  });
}

/** Selects all from one measure to another. */
function select(desk: Desk, first: string, last = first) {
  const { index } = desk.desktop.get();
  desk.select(index.inMeasure(first)[0]?.id ?? "");
  if (last !== first) desk.select(index.inMeasure(last)[0]?.id ?? "", true);
}

/** The measures in the order in which they are played. */
function played(desk: Desk): string {
  const route = routeOf(desk.desktop.get().index);
  let course = "";
  let at: Step | null | undefined = { measure: "A", turn: 0 };
  for (; at && course.length < 40; at = route.after(at)) course += at.measure;
  return course;
}

function barlines(score: Score): Record<string, unknown> {
  const all = score.doc.getMap("attr").toJSON();
  return Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith("barline|")));
}

function endings(score: Score): string[] {
  const all = Object.values(score.doc.getMap("sp").toJSON());
  return all.map(({ kind, start, end, text }) => `${kind} ${start}-${end} ${text}`).sort();
}

function state({ desktop }: Desk) {
  const { index, writing, selected } = desktop.get();
  return repeatedAt(index, writing.endings, selected);
}

const END = { "barline|F|*|right": { style: "light-heavy" } };

test("a repeat begins with what is selected and ends with it, and does so no more", () => {
  const { desk, score } = measures();
  select(desk, "B", "C");
  expect(state(desk)).toEqual({ begins: false, ends: false, ending: null });
  type(desk, "rR");
  expect(state(desk)).toEqual({ begins: true, ends: true, ending: null });
  // As MusicXML files write them: |: with a heavy and a light line, :| the other way round.
  expect(barlines(score)).toEqual({
    "barline|B|*|left": { style: "heavy-light", repeat: "forward" },
    "barline|C|*|right": { style: "light-heavy", repeat: "backward" },
    ...END,
  });
  expect(played(desk)).toBe("ABCBCDEF");
  type(desk, "rR");
  expect(barlines(score)).toEqual(END);
  expect(played(desk)).toBe("ABCDEF");
});

test("the piece still ends where a repeat at its end is taken away", () => {
  const { desk, score } = measures();
  select(desk, "F");
  type(desk, "R");
  expect(played(desk)).toBe("ABCDEFABCDEF");
  type(desk, "R");
  expect(barlines(score)).toEqual(END);
});

test("a repeat that single parts say goes for all, and comes for all", () => {
  const { desk, score } = measures(({ doc }) => {
    doc.getMap("attr").set("barline|C|p|right", { style: "light-heavy", repeat: "backward" });
    doc.getMap("attr").set("barline|D|p|right", { style: "dashed" });
  });
  select(desk, "C");
  expect(state(desk).ends).toBe(true);
  type(desk, "R");
  select(desk, "D");
  type(desk, "R");
  const backward = { style: "light-heavy", repeat: "backward" };
  expect(barlines(score)).toEqual({ "barline|D|*|right": backward, ...END });
});

test("a first ending ends with a repeat, and a second follows; both are one step for undo", () => {
  const { desk, score } = measures();
  select(desk, "C", "D");
  type(desk, "v");
  expect(endings(score)).toEqual(["ending C-D 1"]);
  expect(barlines(score)).toEqual({
    "barline|D|*|right": { style: "light-heavy", repeat: "backward" },
    ...END,
  });
  expect(state(desk)).toEqual({ begins: false, ends: true, ending: "1." });
  select(desk, "E");
  type(desk, "V");
  expect(endings(score)).toEqual(["ending C-D 1", "ending E-E 2"]);
  // A B |1 C D :|2 E | F
  expect(played(desk)).toBe("ABCDABEF");
  type(desk, "^z");
  expect(endings(score)).toEqual(["ending C-D 1"]);
  type(desk, "^z");
  expect([endings(score), barlines(score)]).toEqual([[], END]);
  type(desk, "^y");
  expect(endings(score)).toEqual(["ending C-D 1"]);
  expect(played(desk)).toBe("ABCDABEF");
});

test("an ending is taken away where it is shown, and gives way to another number or place", () => {
  const { desk, score } = measures();
  select(desk, "C", "D");
  type(desk, "v");
  // Anywhere in it: the repeat is a sign of its own.
  select(desk, "C");
  expect(state(desk).ending).toBe("1.");
  type(desk, "v");
  expect([endings(score), state(desk).ending]).toEqual([[], null]);
  select(desk, "D");
  expect(state(desk).ends).toBe(true);
  type(desk, "v");
  select(desk, "B", "D");
  expect(state(desk).ending).toBeNull();
  type(desk, "v");
  expect(endings(score)).toEqual(["ending B-D 1"]);
  type(desk, "V");
  expect(endings(score)).toEqual(["ending B-D 2"]);
  // Another one is under it, and not drawn.
  score.doc.getMap("sp").set("x", { kind: "ending", start: "D", end: "E", text: "3" });
  select(desk, "D");
  type(desk, "v");
  expect(endings(score)).toEqual(["ending D-D 1"]);
});

test("with nothing selected nothing is repeated", () => {
  const { desk, score } = measures();
  type(desk, "<Escape>rRvV");
  expect([endings(score), barlines(score)]).toEqual([[], END]);
});

test("the piece ends with its last measure, whichever that is, and one undo takes both back", () => {
  const { desk, score } = measures();
  const final = { style: "light-heavy" };
  select(desk, "F");
  type(desk, "7cd");
  const [last] = Object.keys(barlines(score));
  expect(barlines(score)).toEqual({ [String(last)]: final });
  expect(desk.desktop.get().index.view.measures.at(-1)?.id).toBe(last?.split("|")[1]);
  type(desk, "^<Backspace>");
  expect(barlines(score)).toMatchObject({ [String(last)]: final });
  const { measures: left } = desk.desktop.get().index.view;
  expect(barlines(score)[`barline|${left.at(-1)?.id}|*|right`]).toEqual(final);
  type(desk, "^z^z^z");
  expect(barlines(score)).toEqual({ "barline|F|*|right": final });
  select(desk, "E", "F");
  type(desk, "^<Backspace>");
  expect(barlines(score)["barline|D|*|right"]).toEqual(final);
});
