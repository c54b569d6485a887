import { expect, test } from "vitest";
import { hairpinsAt } from "../src/editing/hairpins.ts";
import { entryOf } from "../src/engraving/entries.ts";
import { hairpinOf } from "../src/engraving/hairpins.ts";
import { begun, type } from "./tune.ts";

type Tune = ReturnType<typeof begun>;

/** All hairpins: what they ask for, from when until when. */
function hairpins({ desk }: Tune): string[] {
  const { index } = desk.desktop.get();
  return index.view.spanners
    .map((id) => hairpinOf(index.facets, entryOf(index.facets, "sp", id)))
    .map((found) => {
      const [from, until] = [found?.from, found?.until].map(
        (at) => `${at?.measure} ${at?.onset.numerator}/${at?.onset.denominator}`,
      );
      return `${found?.kind} ${from} to ${until}`;
    })
    .sort();
}

function shown({ desk }: Tune): string[] {
  const { index, selected } = desk.desktop.get();
  return [...hairpinsAt(index, selected)];
}

function select({ desk }: Tune, from: number, to = from): void {
  const notes = desk.desktop.get().index.places.filter(({ kind }) => kind === "chord");
  desk.select(notes[from]?.id ?? "");
  if (to !== from) desk.select(notes[to]?.id ?? "", true);
}

test("EDITOR-20 a hairpin goes from the first selected note to the end of the last, and off again", () => {
  const tune = begun();
  type(tune.desk, "5defg6a");
  select(tune, 1, 4);
  type(tune.desk, "<");
  expect(hairpins(tune)).toEqual(["crescendo m1 1/1 to m2 2/1"]);
  expect(shown(tune)).toEqual(["crescendo"]);
  // From any part of it.
  select(tune, 2);
  expect(shown(tune)).toEqual(["crescendo"]);
  type(tune.desk, "<");
  expect(hairpins(tune)).toEqual([]);
  type(tune.desk, "^z");
  expect(hairpins(tune)).toEqual(["crescendo m1 1/1 to m2 2/1"]);
});

test("EDITOR-20 the other kind takes its place; what only touches it stays", () => {
  const tune = begun();
  type(tune.desk, "5defg");
  select(tune, 0, 1);
  type(tune.desk, "<");
  select(tune, 2, 3);
  expect(shown(tune)).toEqual([]);
  type(tune.desk, ">");
  const both = ["crescendo m1 0/1 to m1 2/1", "diminuendo m1 2/1 to m1 4/1"];
  expect(hairpins(tune)).toEqual(both);
  select(tune, 0);
  type(tune.desk, ">");
  expect(hairpins(tune)).toEqual(["diminuendo m1 0/1 to m1 1/1", both[1]]);
  type(tune.desk, "^z");
  expect(hairpins(tune)).toEqual(both);
});

test("EDITOR-20 a hairpin of a file, from sign to sign, is one like others", () => {
  const tune = begun((score) => {
    const sign = { part: "p", measure: "m1", kind: "wedge" };
    score.doc.getMap("dir").set("w1", { ...sign, onset: [1, 1], text: "diminuendo" });
    score.doc.getMap("dir").set("w2", { ...sign, onset: [3, 1], text: "stop" });
    score.doc.getMap("sp").set("w", { kind: "wedge", start: "w1", end: "w2" });
    score.doc.getMap("parts").set("p", { order: "a", name: "Piano", staves: 2 });
  });
  type(tune.desk, "5defg");
  select(tune, 0);
  expect(shown(tune)).toEqual([]);
  select(tune, 2);
  expect(shown(tune)).toEqual(["diminuendo"]);
  // It is over its own staff alone.
  type(tune.desk, "~<ArrowDown>d<ArrowLeft>");
  expect(tune.desk.desktop.get().selected[0]).toMatchObject({ kind: "chord", staff: 2 });
  expect(shown(tune)).toEqual([]);
  select(tune, 2);
  type(tune.desk, ">");
  expect(hairpins(tune)).toEqual([]);
  expect([...tune.score.doc.getMap("dir").keys()]).toEqual([]);
});

test("EDITOR-20 over several staves each has one of its own, and all go together", () => {
  const tune = begun((score) =>
    score.doc.getMap("parts").set("p", { order: "a", name: "Piano", staves: 2 }),
  );
  type(tune.desk, "5defg<ArrowLeft>~<ArrowDown>d");
  select(tune, 1);
  type(tune.desk, "<");
  const upper = "crescendo m1 1/1 to m1 2/1";
  expect(hairpins(tune)).toEqual([upper]);
  // And the note below, under the first one.
  select(tune, 1, 4);
  expect(shown(tune)).toEqual([]);
  type(tune.desk, "<");
  expect(hairpins(tune)).toEqual(["crescendo m1 0/1 to m1 1/1", upper]);
  expect(shown(tune)).toEqual(["crescendo"]);
  type(tune.desk, "<");
  expect(hairpins(tune)).toEqual([]);
});

test("EDITOR-20 a hairpin goes with a note at its end, and nothing is under rests alone", () => {
  const tune = begun();
  type(tune.desk, "5de0");
  select(tune, 0, 1);
  type(tune.desk, "<");
  expect(hairpins(tune)).toHaveLength(1);
  select(tune, 1);
  type(tune.desk, "<Delete>");
  expect(hairpins(tune)).toEqual([]);
  type(tune.desk, "^a<Delete><");
  expect(hairpins(tune)).toEqual([]);
});
