import { expect, test } from "vitest";
import { type Mark, marksAt } from "../src/editing/articulations.ts";
import { commandOf } from "../src/editing/keys.ts";
import { entryOf } from "../src/engraving/entries.ts";
import { heldUntil } from "../src/playback/holds.ts";
import { secondsOf, tonesOf } from "../src/playback/tones.ts";
import { begun, type } from "./tune.ts";

type Tune = ReturnType<typeof begun>;

/** What each note, chord and rest has, in the order of time; a chord as often as its notes say so. */
function marks({ desk }: Tune): string[] {
  const { index } = desk.desktop.get();
  return index.places
    .filter((place) => place.kind === "chord" || place.kind === "rest")
    .map(({ events }) => {
      const said = events.flatMap((id) => Object.values(entryOf(index.facets, "nx", id)).flat());
      return said.join("+");
    });
}

function shown({ desk }: Tune): Mark[] {
  const { index, selected } = desk.desktop.get();
  return [...marksAt(index, selected)];
}

/** Selects from one place to another, by their numbers in the first voice. */
function select({ desk }: Tune, from: number, to = from): void {
  const places = desk.desktop.get().index.places.filter(({ kind }) => kind !== "gap");
  desk.select(places[from]?.id ?? "");
  if (to !== from) desk.select(places[to]?.id ?? "", true);
}

test("EDITOR-19 a mark is put on all selected notes while any lacks it, and taken off all", () => {
  const tune = begun();
  type(tune.desk, "5defg");
  select(tune, 1);
  type(tune.desk, "S");
  expect(marks(tune)).toEqual(["", "staccato", "", ""]);
  select(tune, 0, 2);
  expect(shown(tune)).toEqual([]);
  type(tune.desk, "S");
  expect(marks(tune)).toEqual(["staccato", "staccato", "staccato", ""]);
  expect(shown(tune)).toEqual(["staccato"]);
  type(tune.desk, "NS");
  expect(marks(tune)).toEqual(["tenuto", "tenuto", "tenuto", ""]);
  type(tune.desk, "^z");
  expect(marks(tune)[0]).toBe("staccato+tenuto");
});

test("EDITOR-19 a stronger degree takes the place of the weaker one, others stand beside it", () => {
  const tune = begun();
  type(tune.desk, "5d<ArrowLeft>");
  const seen = [..."SXION"].map((key) => {
    type(tune.desk, key);
    return marks(tune)[0];
  });
  expect(seen).toEqual([
    "staccato",
    "staccato+accent",
    "accent+staccatissimo",
    "staccatissimo+strong-accent",
    "staccatissimo+strong-accent+tenuto",
  ]);
});

test("EDITOR-19 a chord has a mark once, and loses it whichever of its notes has it", () => {
  const tune = begun();
  type(tune.desk, "5dFA<ArrowLeft>S");
  expect(marks(tune)).toEqual(["staccato"]);
  expect(shown(tune)).toEqual(["staccato"]);
  // As a file may have it, at another note than the first.
  const nx = tune.score.doc.getMap("nx");
  nx.clear();
  const [place] = tune.desk.desktop.get().selected;
  nx.set(place?.events[2] ?? "", { articulations: ["accent"], fermata: "inverted" });
  type(tune.desk, "S");
  expect(shown(tune)).toEqual(["staccato", "accent", "fermata"]);
  type(tune.desk, "XH");
  expect(marks(tune)).toEqual(["staccato"]);
});

test("EDITOR-19 behind what was just written the note before is meant; a fermata is on rests too", () => {
  const tune = begun();
  type(tune.desk, "5dO");
  expect(marks(tune)).toEqual(["strong-accent"]);
  type(tune.desk, "0");
  select(tune, 1);
  expect(tune.desk.desktop.get().selected[0]?.kind).toBe("rest");
  type(tune.desk, "H");
  expect(marks(tune)).toEqual(["strong-accent", "upright"]);
  expect(shown(tune)).toEqual(["fermata"]);
  // Beside notes a rest is none of those that are meant.
  select(tune, 0, 1);
  expect(shown(tune)).toEqual(["strong-accent"]);
  type(tune.desk, "H");
  expect(marks(tune)).toEqual(["strong-accent+upright", "upright"]);
  type(tune.desk, "H");
  expect(marks(tune)).toEqual(["strong-accent", "upright"]);
});

test("EDITOR-19 without Shift these keys are what they were, and with Ctrl they are the browser's", () => {
  const key = (name: string, held: object = {}) =>
    commandOf({
      ...{ key: name, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false },
      ...held,
    });
  expect(key("s")).toEqual({ do: "slur" });
  expect(key("n")).toEqual({ do: "pen" });
  expect([..."ioxh"].map((name) => key(name))).toEqual([null, null, null, null]);
  expect(key("N", { shiftKey: true, ctrlKey: true })).toBeNull();
  // With Caps Lock on.
  expect(key("S")).toEqual({ do: "slur" });
  expect(key("s", { shiftKey: true })).toEqual({ do: "mark", mark: "staccato" });
});

/** When notes begin, fall silent and are over, in quarters, and how loud they are. */
function played(tune: Tune, measure: string, after: string | null = null) {
  const { index } = tune.desk.desktop.get();
  return tonesOf(index, measure, { before: null, after }).map((tone) => {
    const { from, silentFrom, until } = secondsOf(tone, (quarters) =>
      heldUntil(index, measure, quarters),
    );
    return [from, silentFrom, until, tone.touch.level];
  });
}

test("EDITOR-19 short notes sound shorter and are followed as long as they are written", () => {
  const tune = begun();
  type(tune.desk, "5dSeIfSNgX");
  expect(played(tune, "m1")).toEqual([
    [0, 0.5, 1, 1],
    [1, 1.25, 2, 1],
    [2, 2.75, 3, 1],
    [3, 4, 4, 1.4],
  ]);
});

test("EDITOR-19 a note that is tied to another one sounds on into it", () => {
  const tune = begun();
  type(tune.desk, "5dt<ArrowLeft><ArrowLeft>S");
  expect(marks(tune)).toEqual(["staccato", ""]);
  expect(played(tune, "m1")).toEqual([[0, 2, 2, 1]]);
});

test("EDITOR-19 at the end of a note that is held on all wait, once, and then go on together", () => {
  const tune = begun();
  // In the first voice D and, held on, E; in the second a half, held on to the same moment, and C.
  type(tune.desk, "5deH6f<ArrowLeft><ArrowLeft><ArrowLeft>^~26cH5b");
  expect(played(tune, "m1")).toEqual([
    [0, 1, 1, 1],
    [0, 4, 4, 1],
    [1, 4, 4, 1],
    [4, 6, 6, 1],
    [4, 5, 5, 1],
  ]);
  const { index } = tune.desk.desktop.get();
  expect([1.5, 2, 4].map((at) => heldUntil(index, "m1", at))).toEqual([1.5, 4, 6]);
});

test("EDITOR-19 what is held on in the next measure makes the note longer that is tied to it", () => {
  const tune = begun();
  type(tune.desk, "7d5d<ArrowLeft>H<ArrowLeft>t");
  expect(played(tune, "m1", "m2")).toEqual([[0, 6, 6, 1]]);
});
