import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import { Desk } from "../src/editing/desk.ts";
import { type Piece, pieceAt, type Stretch, startOf, stretchOf } from "../src/playback/course.ts";
import { PLAIN, unrolled } from "../src/playback/repeats.ts";
import { type Around, secondsOf, tempoOf, tonesOf } from "../src/playback/tones.ts";
import { begun, type } from "./tune.ts";

const ALONE: Around = { before: null, after: null };

function heard({ desk }: ReturnType<typeof begun>, measure: string, around: Partial<Around> = {}) {
  return tonesOf(desk.desktop.get().index, measure, { ...ALONE, ...around }).map(
    ({ start, duration, hertz }) => [start, duration, Number(hertz.toFixed(2))],
  );
}

test("notes sound at their pitch in equal temperament, tied ones once", () => {
  const tune = begun();
  // A4, C natural, C5 as before in the measure, and D5 over the barline.
  type(tune.desk, "5ac=c6d");
  expect(heard(tune, "m1", { after: "m2" })).toEqual([
    [0, 1, 440],
    [1, 1, 523.25],
    [2, 1, 523.25],
    [3, 2, 587.33],
  ]);
  expect(heard(tune, "m2", { before: "m1" })).toEqual([]);
  // Where a repeat leads elsewhere, each note is as long as it is written.
  expect(heard(tune, "m1", { after: "m1" })[3]).toEqual([3, 1, 587.33]);
  expect(heard(tune, "m2", { before: "m2" })).toEqual([[0, 1, 587.33]]);
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
  const from = loop?.from ?? startOf(index, []);
  let at: Piece["next"] = from && { ...from, turn: 0 };
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
  expect(pieceAt(index, { measure: "m2", onset: 0, turn: 0 }, loop)).toBeNull();
});

test("grace notes come before the beat of their note, one after the other", () => {
  const tune = begun();
  // A, and before the C after it two grace notes, both of them a step higher at first.
  type(tune.desk, "5ac");
  const { desk } = tune;
  const chords = desk.desktop.get().index.places.filter((place) => place.kind === "chord");
  desk.select(chords[1]?.id ?? "");
  type(desk, "/");
  desk.select(chords[1]?.id ?? "");
  type(desk, "/");
  const tones = tonesOf(desk.desktop.get().index, "m1", ALONE).map((tone) => {
    const { from, until } = secondsOf(tone, (quarters) => quarters * 0.75);
    return [tone.grace !== null, Number(from.toFixed(3)), Number(until.toFixed(3))];
  });
  // At 80 quarters a minute a quarter is 0.75 s.
  expect(tones).toEqual([
    [false, 0, 0.75],
    [true, 0.59, 0.67],
    [true, 0.67, 0.75],
    [false, 0.75, 1.5],
  ]);
});

/** A score of one measure for each letter, with signs at them, as its route. */
function played(letters: string, extra: (score: Score) => void, loop: Stretch | null = null) {
  const tune = begun((score) => {
    score.doc.getMap("measures").clear();
    for (const letter of letters) {
      score.doc.getMap("measures").set(letter, { order: letter.toLowerCase(), number: letter });
    }
    extra(score);
  });
  const found = course(tune, loop, 30);
  return found.map(([measure]) => measure).join("");
}

function repeat(score: Score, first: string | null, last: string, times?: number) {
  const attr = score.doc.getMap("attr");
  if (first) attr.set(`barline|${first}|*|left`, { style: "heavy-light", repeat: "forward" });
  const more = times === undefined ? {} : { times };
  attr.set(`barline|${last}|*|right`, { style: "light-heavy", repeat: "backward", ...more });
}

function ending(score: Score, start: string, end: string, text: string) {
  score.doc.getMap("sp").set(`e${start}`, { kind: "ending", start, end, text });
}

function says(score: Score, measure: string, kind: string, text?: string) {
  const value = { part: "p", measure, onset: [0, 1], kind, ...(text ? { text } : {}) };
  score.doc.getMap("dir").set(`d${measure}${kind}`, value);
}

test("repeats and endings are played in the order in which musicians play them", () => {
  // |: A B :| C
  expect(played("ABC", (score) => repeat(score, "A", "B"))).toBe("ABABC");
  // A |: B :| x3 C
  expect(played("ABC", (score) => repeat(score, "B", "B", 3))).toBe("ABBBC");
  // A B :| C D :| without signs where they begin
  const bare = (score: Score) => {
    repeat(score, null, "B");
    repeat(score, null, "D");
  };
  expect(played("ABCD", bare)).toBe("ABABCDCD");
  // |: A |1 B :|2 C | D, and once more |: A |1, 2 B :|3 C | D
  const first = (numbers: string, second: string) => (score: Score) => {
    repeat(score, "A", "B");
    ending(score, "B", "B", numbers);
    ending(score, "C", "C", second);
  };
  expect(played("ABCD", first("1", "2"))).toBe("ABACD");
  expect(played("ABCD", first("1, 2", "3"))).toBe("ABABACD");
  expect(played("ABCD", first("1.-2.", "3."))).toBe("ABABACD");
});

test("da capo and dal segno are followed once, without repeats, until fine or over the coda", () => {
  // |: A B :| fine at B, C D.C. al fine
  const fine = (score: Score) => {
    repeat(score, "A", "B");
    says(score, "B", "words", "Fine");
    says(score, "C", "words", "D.C. al Fine");
  };
  expect(played("ABC", fine)).toBe("ABABCAB");
  // A, B with a segno, C to the coda, D D.S. al coda, E the coda
  const coda = (score: Score) => {
    says(score, "B", "segno");
    says(score, "C", "words", "To Coda");
    says(score, "D", "words", "D.S. al Coda");
    says(score, "E", "coda");
  };
  expect(played("ABCDE", coda)).toBe("ABCDBCE");
  // After a da capo the last ending: |: A |1 B :|2 C | D D.C.
  const capo = (score: Score) => {
    repeat(score, "A", "B");
    ending(score, "B", "B", "1");
    ending(score, "C", "C", "2");
    says(score, "D", "words", "Da capo");
  };
  expect(played("ABCD", capo)).toBe("ABACDACD");
  // Without a segno there is nowhere to go.
  expect(played("AB", (score) => says(score, "B", "words", "D.S."))).toBe("AB");
});

test("repeats that contradict each other end all the same", () => {
  // |: A |: B :| C :| and |: A B without an end, and endings without a repeat
  const nested = (score: Score) => {
    repeat(score, "A", "C");
    repeat(score, "B", "B");
  };
  expect(played("ABC", nested)).toBe("ABBCC");
  const open = (score: Score) =>
    score.doc.getMap("attr").set("barline|A|*|left", { repeat: "forward" });
  expect(played("AB", open)).toBe("AB");
  expect(played("ABC", (score) => ending(score, "B", "C", "2"))).toBe("A");
  const endless = unrolled([
    { ...PLAIN, times: 1e15 },
    { ...PLAIN, jump: { to: "start", until: "any" } },
  ]);
  expect(endless.length).toBeLessThanOrEqual(100_000);
});

test("a loop follows the repeats that stay within it", () => {
  const all = (score: Score) => repeat(score, "A", "B");
  const stretch = (first: string, last: string) => ({
    from: { measure: first, onset: 0 },
    until: { measure: last, onset: 4 },
  });
  // |: A B :| C, over and over: all of it, and B and C alone
  expect(played("ABC", all, stretch("A", "C")).slice(0, 10)).toBe("ABABCABABC");
  expect(played("ABC", all, stretch("B", "C")).slice(0, 6)).toBe("BCBCBC");
});

test("a repeat that is taken away while it is played is not played again", () => {
  const tune = begun((score) => repeat(score, "m1", "m2"));
  const at = { measure: "m1", onset: 0, turn: 1 };
  expect(pieceAt(tune.desk.desktop.get().index, at, null)?.next?.turn).toBe(1);
  tune.score.doc.getMap("attr").delete("barline|m2|*|right");
  const again = new Desk(tune.score);
  expect(pieceAt(again.desktop.get().index, at, null)?.next).toEqual({
    ...at,
    measure: "m2",
    turn: 0,
  });
  again.end();
});
