import { expect, test } from "vitest";
import { type Piece, pieceAt, type Stretch, startOf, stretchOf } from "../src/playback/course.ts";
import { tempoOf, tonesOf } from "../src/playback/tones.ts";
import { begun, type } from "./tune.ts";

function heard({ desk }: ReturnType<typeof begun>, measure: string) {
  return tonesOf(desk.desktop.get().index, measure).map(({ start, duration, hertz }) => [
    start,
    duration,
    Number(hertz.toFixed(2)),
  ]);
}

test("notes sound at their pitch in equal temperament, tied ones once", () => {
  const tune = begun();
  // A4, C natural, C5 as before in the measure, and D5 over the barline.
  type(tune.desk, "5ac=c6d");
  expect(heard(tune, "m1")).toEqual([
    [0, 1, 440],
    [1, 1, 523.25],
    [2, 1, 523.25],
    [3, 2, 587.33],
  ]);
  expect(heard(tune, "m2")).toEqual([]);
});

test("a transposing part sounds as the instrument does", () => {
  const tune = begun((score) =>
    score.doc
      .getMap("parts")
      .set("p", { order: "a", staves: 1, transposition: { diatonic: -4, chromatic: -7 } }),
  );
  type(tune.desk, "7a");
  // A horn in F sounds a fifth lower: D4.
  expect(heard(tune, "m1")).toEqual([[0, 4, 293.66]]);
});

test("the tempo is that of the last mark, whichever note it counts", () => {
  const tune = begun((score) => {
    score.doc.getMap("attr").set("tempo|m2|*|0/1", { unit: [3, 2], bpm: 60 });
  });
  const { index } = tune.desk.desktop.get();
  expect([tempoOf(index, "m1"), tempoOf(index, "m2")]).toEqual([80, 90]);
});

/** The pieces from the start on, as measure, begin and end. */
function course(tune: ReturnType<typeof begun>, loop: Stretch | null, count: number) {
  const { index } = tune.desk.desktop.get();
  const found: (readonly [string, number, number])[] = [];
  let at: Piece["next"] = loop?.from ?? startOf(index, []);
  while (at && found.length < count) {
    const piece: Piece | null = pieceAt(index, at, loop);
    if (!piece) break;
    found.push([piece.measure, piece.begin, piece.end]);
    at = piece.next;
  }
  return found;
}

test("without a loop each measure is played once", () => {
  expect(course(begun(), null, 9)).toEqual([
    ["m1", 0, 4],
    ["m2", 0, 4],
  ]);
});

test("a selection is played over and over, from its first note to the end of its last", () => {
  const tune = begun();
  type(tune.desk, "5defg6a");
  const { desk } = tune;
  const places = desk.desktop.get().index.places.filter((place) => place.kind === "chord");
  const [, second] = places;
  desk.select(second?.id ?? "");
  desk.select(places.at(-1)?.id ?? "", true);
  const { index, selected } = desk.desktop.get();
  expect(course(tune, stretchOf(index, selected), 5)).toEqual([
    ["m1", 1, 4],
    ["m2", 0, 2],
    ["m1", 1, 4],
    ["m2", 0, 2],
    ["m1", 1, 4],
  ]);
  // A single note stands for its measure, and nothing for everything.
  expect(stretchOf(index, selected.slice(-1))?.from).toEqual({ measure: "m2", onset: 0 });
  expect(stretchOf(index, [])).toEqual({
    from: { measure: "m1", onset: 0 },
    until: { measure: "m2", onset: 4 },
  });
});

test("a loop whose measures are deleted meanwhile ends", () => {
  const tune = begun();
  const loop = { from: { measure: "m1", onset: 0 }, until: { measure: "m2", onset: 4 } };
  type(tune.desk, "<ArrowRight>^<Delete>");
  expect(course(tune, loop, 3)).toEqual([
    ["m1", 0, 4],
    ["m1", 0, 4],
    ["m1", 0, 4],
  ]);
  const { index } = tune.desk.desktop.get();
  expect(pieceAt(index, { measure: "m2", onset: 0 }, loop)).toBeNull();
});
