import { rational, timeText } from "bandpro-score";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { movePart } from "../src/editing/parts.ts";
import { momentsIn } from "../src/editing/pen.ts";
import { height, middleOf } from "../src/editing/pitches.ts";
import { staffOf } from "../src/ui/pointing.ts";
import { trio } from "./trio.ts";
import { begun, music, type } from "./tune.ts";

const VIOLIN = { part: "p", staff: 1, voice: 1, measure: "m1" };

function at(quarters: number, measure = "m1") {
  return { ...VIOLIN, measure, onset: rational(BigInt(Math.round(quarters * 4)), 4n) };
}

function high(name: string): number {
  return height({ step: name[0] ?? "", octave: Number(name[1]) });
}

function moments(desk: Desk, quarters: number, line = VIOLIN): string {
  const { index } = desk.desktop.get();
  return momentsIn(index, line, { quarters, dots: 0 })
    .map((onset) => timeText(onset).replace("/1", ""))
    .join(" ");
}

test("EDITOR-24 a note can be written at each value of an empty measure, and where notes begin", () => {
  const tune = begun();
  expect(moments(tune.desk, 1)).toBe("0 1 2 3");
  expect(moments(tune.desk, 4)).toBe("0");
  type(tune.desk, "6.d");
  // Behind a dotted half a quarter is empty.
  expect(moments(tune.desk, 1)).toBe("0 3");
  expect(moments(tune.desk, 1 / 2)).toBe("0 3 7/2");
  type(tune.desk, "^z4d");
  // Behind an eighth rests are an eighth, a quarter and a half.
  expect(moments(tune.desk, 1)).toBe("0 1/2 1 2 3");
  // A rest is no obstacle, and another voice neither.
  type(tune.desk, "^z70");
  expect(moments(tune.desk, 2)).toBe("0 2");
  expect(moments(tune.desk, 1, { ...VIOLIN, voice: 2 })).toBe("0 1 2 3");
});

test("EDITOR-24 a click writes a note of the chosen length, altered as the key says", () => {
  const tune = begun();
  type(tune.desk, "5");
  tune.desk.enter(at(1), high("F5"), false);
  expect(music(tune)[0]).toBe("-:1 F#5:1 -:2");
  // Letters go on behind it.
  type(tune.desk, "g");
  expect(music(tune)[0]).toBe("-:1 F#5:1 G5:1 -:1");
  // Before a note that is there, the new one is what keys change then.
  tune.desk.enter(at(0), high("C5"), false);
  type(tune.desk, "<ArrowUp>");
  expect(music(tune)[0]).toBe("D5:1 F#5:1 G5:1 -:1");
  type(tune.desk, "^z^z^z^z");
  expect(music(tune)[0]).toBe("-:4");
});

test("EDITOR-24 on a note a click writes another one in its place, and with Shift one more", () => {
  const tune = begun();
  type(tune.desk, "5de");
  tune.desk.enter(at(0), high("A5"), false);
  expect(music(tune)[0]).toBe("A5:1 E5:1 -:2");
  tune.desk.enter(at(0), high("C5"), true);
  expect(music(tune)[0]).toBe("A5+C#5:1 E5:1 -:2");
  // What is there already is not written twice.
  tune.desk.enter(at(0), high("C5"), true);
  expect(music(tune)[0]).toBe("A5+C#5:1 E5:1 -:2");
  // A shorter one instead of the chord: its own note stays the same one.
  const [id] = tune.desk.desktop.get().index.inMeasure("m1")[0]?.events ?? [];
  type(tune.desk, "n4");
  tune.desk.enter(at(0), high("F5"), false);
  expect(music(tune)[0]).toBe("F#5:1/2 -:1/2 E5:1 -:2");
  expect(tune.desk.desktop.get().index.inMeasure("m1")[0]?.events).toEqual([id]);
  type(tune.desk, "^z");
  expect(music(tune)[0]).toBe("A5+C#5:1 E5:1 -:2");
});

test("EDITOR-24 a rest gives way, and a note over the barline is two that are tied", () => {
  const tune = begun();
  type(tune.desk, "706");
  tune.desk.enter(at(3), high("B4"), false);
  expect(music(tune)).toEqual(["-:2 -:1 B4:1", "B4:1 -:1 -:2"]);
  expect(tune.desk.desktop.get().index.view.spanners).toHaveLength(1);
});

test("EDITOR-24 while one points, lengths are those of the next note alone; Escape ends that first", () => {
  const tune = begun();
  type(tune.desk, "5d<ArrowLeft>n6.");
  expect(music(tune)[0]).toBe("D5:1 -:1 -:2");
  expect(tune.desk.desktop.get()).toMatchObject({ isPen: true, value: { quarters: 2, dots: 1 } });
  type(tune.desk, "<Escape>");
  expect(tune.desk.desktop.get()).toMatchObject({ isPen: false, selected: [{ kind: "chord" }] });
  type(tune.desk, "<Escape>");
  expect(tune.desk.desktop.get().selected).toEqual([]);
});

test("the middle of a staff is what its clef says", () => {
  const clefs = [
    [{ sign: "G", line: 2 }, "B4"],
    [{ sign: "G", line: 2, octave: -1 }, "B3"],
    [{ sign: "F", line: 4 }, "D3"],
    [{ sign: "C", line: 3 }, "C4"],
    [{ sign: "C", line: 4 }, "A3"],
    [{ sign: "F" }, "D3"],
  ] as const;
  for (const [clef, middle] of clefs) {
    const { desk } = begun(({ doc }) => doc.getMap("attr").set("clef|m1|p|0/1", clef));
    expect([clef, middleOf(desk.desktop.get().index, at(0))]).toEqual([clef, high(middle)]);
  }
});

test("EDITOR-24 on each staff notes are written in its own voices", () => {
  const { desk } = begun(trio);
  desk.enter({ ...at(2, "m2"), part: "q", staff: 2, voice: 5 }, high("E3"), false);
  const places = desk.desktop.get().index.inMeasure("m2");
  const lower = places.filter(
    ({ part, staff, kind }) => part === "q" && staff === 2 && kind === "chord",
  );
  expect(lower.map(({ voice, onset }) => [voice, timeText(onset)])).toEqual([
    [5, "0/1"],
    [5, "2/1"],
  ]);
});

test("EDITOR-24 a staff is known by what is on it, though parts were moved or removed since it was drawn", () => {
  const { desk } = begun(trio);
  const { index } = desk.desktop.get();
  const drawn = index.staves.map(({ part, within }, row) => {
    const here = index.inMeasure("m2").filter((each) => each.part === part);
    const own = here.filter(({ staff }) => staff === within);
    const ids = new Set(own.flatMap(({ id, events }) => [id, ...events]));
    return { measure: "m2", row, rows: index.staves.length, ids };
  });
  const known = () => {
    const now = desk.desktop.get().index;
    return drawn.map((staff) => {
      const found = staffOf(now, staff);
      return found && `${found.part}${found.staff}`;
    });
  };
  expect(known()).toEqual(["p1", "q1", "q2"]);
  desk.edit(...movePart(index, "q", -1));
  expect(desk.desktop.get().index.staves.map(({ part }) => part)).toEqual(["q", "q", "p"]);
  expect(known()).toEqual(["p1", "q1", "q2"]);
  desk.edit({ op: "RemovePart", part: "q" });
  expect(known()).toEqual(["p1", null, null]);
  desk.edit({ op: "DeleteMeasures", measures: ["m2"] });
  expect(known()).toEqual([null, null, null]);
});
