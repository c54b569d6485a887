import { toNumber, ZERO_TIME } from "bandpro-score";
import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { shownOf } from "../src/editing/selection.ts";
import { stretchOf } from "../src/playback/course.ts";
import { lines, trio } from "./trio.ts";
import { begun, type } from "./tune.ts";

/** What is selected, by the ids of notes; what has none as a dash. */
function selected(desk: Desk): string {
  const { selected: places } = desk.desktop.get();
  return places.map((place) => place.events.join("+") || "-").join(" ");
}

test("EDITOR-23 from one staff to another everything between two moments is selected, in all voices", () => {
  const { desk } = begun(trio);
  desk.select("p2");
  desk.select("q2", true);
  // What began before is not in it, nor what the lowest staff has.
  expect(selected(desk)).toBe("p2 p3 q2 r2");
  desk.select("s2", true);
  expect(selected(desk)).toBe("p2 p3 p4 q2 - r2 s2");
  // The other way round, from the later moment on the lower staff.
  desk.select("q2");
  desk.select("p2", true);
  expect(selected(desk)).toBe("p2 p3 q2 r2");
});

test("EDITOR-23 keys take a selection over staves, and on in time", () => {
  const { desk } = begun(trio);
  desk.select("p1");
  type(desk, "~_<ArrowDown>");
  expect(selected(desk)).toBe("p1 q1 r1");
  type(desk, "~_<ArrowDown>_<ArrowRight>");
  // The lowest staff has the next note in the next measure.
  expect(selected(desk)).toBe("p1 p2 p3 p4 q1 q2 - r1 r2 s1 s2");
  type(desk, "_<ArrowLeft>~_<ArrowUp>");
  expect(selected(desk)).toBe("p1 p2 p3 q1 q2 r1 r2");
  // Over the uppermost staff there is none.
  type(desk, "~_<ArrowUp>~_<ArrowUp>");
  expect(selected(desk)).toBe("p1 p2 p3");
  type(desk, "<ArrowRight>");
  expect(selected(desk)).toBe("p4");
});

test("EDITOR-23 a measure is selected on one staff, and from there to another", () => {
  const { desk } = begun(trio);
  desk.selectMeasure("m1", { part: "q", staff: 1 });
  expect(selected(desk)).toBe("q1 q2 r1 r2");
  desk.selectMeasure("m2", { part: "q", staff: 2 }, true);
  expect(selected(desk)).toBe("q1 q2 - r1 r2 s1 s2 -");
  // In an empty measure it is the cursor: what is written comes there.
  desk.selectMeasure("m2", { part: "q", staff: 1 });
  type(desk, "7e");
  expect(lines(desk)["q1.1"]).toBe("G4@1:0 A4@1:2 E4@2:0");
});

test("EDITOR-23 all of the voice is selected first, and then everything", () => {
  const { desk } = begun(trio);
  desk.select("r1");
  type(desk, "^a");
  expect(selected(desk)).toBe("r1 r2");
  type(desk, "^a");
  expect(selected(desk)).toBe("p1 p2 p3 p4 q1 q2 - r1 r2 s1 s2 -");
  type(desk, "^a");
  expect(selected(desk)).toContain("s2");
});

test("EDITOR-23 what is selected on several staves is moved, altered, slurred, tied and deleted", () => {
  const { desk } = begun(trio);
  desk.select("p1");
  desk.select("s1", true);
  const before = lines(desk);
  type(desk, "<ArrowUp>+");
  expect(lines(desk)).toEqual({
    "p1.1": "E#5@1:0 F#5@1:1 G#5@1:2 G5@2:0",
    "q1.1": "A#4@1:0 B#4@1:2",
    "q1.2": "D#4@1:0 E#4@1:1",
    "q2.5": "D#3@1:0 D3@2:0",
  });
  type(desk, "^z^z");
  expect(lines(desk)).toEqual(before);
  type(desk, "s");
  const slurs = () => {
    const { index } = desk.desktop.get();
    return index.view.spanners.length;
  };
  // One in each voice that has several notes.
  expect(slurs()).toBe(3);
  type(desk, "s");
  expect(slurs()).toBe(0);
  type(desk, "~3");
  expect(lines(desk)["q2.5"]).toBe("C3+E3@1:0 D3@2:0");
  type(desk, "^z<Backspace>");
  expect(lines(desk)).toEqual({ "p1.1": "G5@2:0", "q2.5": "D3@2:0" });
  // The time is selected still.
  expect(desk.desktop.get().selected.map(({ measure }) => measure)).toEqual(["m1", "m1", "m1"]);
  type(desk, "^z");
  expect(lines(desk)).toEqual(before);
});

test("EDITOR-23 notes of several staves get one length in one edit, over rests that are selected too", () => {
  const { desk } = begun(trio);
  desk.select("p3");
  type(desk, "0");
  // The violin has empty time there now, and a rest.
  type(desk, "50");
  desk.select("p1");
  desk.select("s1", true);
  const before = lines(desk);
  desk.select("p2");
  desk.select("q2", true);
  type(desk, "6");
  const { index } = desk.desktop.get();
  const lengths = ["p1", "p2", "q2", "r2"].map((id) =>
    toNumber(index.place(id)?.duration ?? ZERO_TIME),
  );
  expect(lengths).toEqual([1, 2, 2, 2]);
  expect(desk.refused.get()).toBeNull();
  expect(index.places.filter(({ kind }) => kind === "rest")).toEqual([]);
  type(desk, "^z");
  expect(lines(desk)).toEqual(before);
});

test("EDITOR-23 a tuplet of several voices is refused, and that is told", () => {
  const { desk } = begun(trio);
  desk.select("p1");
  desk.select("q1", true);
  const before = lines(desk);
  type(desk, "^3");
  expect(desk.refused.get()).toBe("tuplet");
  expect(lines(desk)).toEqual(before);
});

test("EDITOR-23 several staves are pasted from that of the cursor down, each voice in its own", () => {
  const { desk } = begun(trio);
  desk.select("q1");
  desk.select("s1", true);
  type(desk, "^c");
  desk.select("p4");
  const before = lines(desk);
  type(desk, "^v");
  // The violin has two voices then; the time of the lower staff of the piano is not touched.
  expect(lines(desk)).toEqual({
    "p1.1": "D5@1:0 E5@1:1 F5@1:2 G4@2:0 A4@2:2",
    "p1.2": "C4@2:0 D4@2:1",
    "q1.1": "G4@1:0 A4@1:2 C3@2:0",
    "q1.2": "C4@1:0 D4@1:1",
    "q2.5": "C3@1:0 D3@2:0",
  });
  expect(desk.refused.get()).toBeNull();
  type(desk, "^z");
  expect(lines(desk)).toEqual(before);
});

test("EDITOR-23 what finds no staff is told; the rest is pasted, with measures for all of it", () => {
  const { desk } = begun(trio);
  desk.select("p1");
  desk.select("s2", true);
  type(desk, "^x");
  expect(lines(desk)).toEqual({});
  desk.selectMeasure("m2", { part: "q", staff: 1 });
  type(desk, "^v");
  expect(desk.refused.get()).toBe("staves");
  expect(lines(desk)).toEqual({
    "q1.1": "D5@2:0 E5@2:1 F5@2:2 G5@3:0",
    "q2.5": "G4@2:0 A4@2:2",
    "q2.6": "C4@2:0 D4@2:1",
  });
  type(desk, "^z^z");
  expect(desk.refused.get()).toBeNull();
  expect(lines(desk)["p1.1"]).toBe("D5@1:0 E5@1:1 F5@1:2 G5@2:0");
});

test("EDITOR-23 time that is selected and empty is pasted as well", () => {
  const { desk } = begun((score) => {
    trio(score);
    score.doc.getMap("measures").set("m3", { order: "c", number: "3" });
    score.doc.getMap("measures").set("m4", { order: "d", number: "4" });
  });
  // The second half of the piano's second measure is empty.
  desk.selectMeasure("m2", { part: "q", staff: 1 });
  desk.selectMeasure("m2", { part: "q", staff: 2 }, true);
  type(desk, "^c");
  desk.selectMeasure("m1", { part: "q", staff: 1 });
  type(desk, "^v");
  expect(lines(desk)).toMatchObject({ "q2.5": "D3@1:0 D3@2:0" });
  expect(lines(desk)["q1.1"]).toBeUndefined();
});

test("EDITOR-23 all of several staves is played over and over", () => {
  const { desk } = begun(trio);
  desk.select("p2");
  desk.select("s2", true);
  const { index, selected: places } = desk.desktop.get();
  expect(stretchOf(index, places)).toEqual({
    from: { measure: "m1", onset: 1 },
    until: { measure: "m2", onset: 4 },
  });
});

test("EDITOR-23 others are shown the ends of a large selection, never more than a page may say", () => {
  const { desk } = begun((score) => {
    trio(score);
    for (let number = 3; number < 120; number += 1) {
      const order = `c${String(number).padStart(4, "0")}`;
      score.doc.getMap("measures").set(`m${number}`, { order, number: String(number) });
    }
  });
  desk.select("q1");
  type(desk, "^a^a");
  const { selected: places } = desk.desktop.get();
  expect(places.length).toBeGreaterThan(300);
  const shown = shownOf(places);
  expect(shown.length).toBe(6);
  expect(shown).toEqual(expect.arrayContaining(["p1", "q1", "s1"]));
  const [place] = places;
  const long = places.slice(0, 90).map((each) => ({ ...each, ...place, events: ["x".repeat(99)] }));
  expect(JSON.stringify(shownOf(long)).length).toBeLessThan(4_100);
});

test("EDITOR-23 what is more than one edit writes is told, and nothing is written", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.transact(() => {
      for (let number = 0; number < 6_400; number += 1) {
        const measure = `m${1 + Math.floor(number / 16)}`;
        const order = `c${measure.slice(1).padStart(4, "0")}`;
        doc.getMap("measures").set(measure, { order, number: measure.slice(1) });
        const [onset, duration] = [[number % 16, 4] as const, [1, 4] as const];
        const at = { part: "p", measure, staff: 1, voice: 1, onset, duration };
        doc.getMap("ev").set(`n${number}`, { kind: "note", ...at });
        doc.getMap("pt").set(`n${number}`, { step: "C", octave: 5 });
      }
    });
  });
  type(desk, "^a^a~3");
  expect(desk.refused.get()).toBe("much");
  expect(score.doc.getMap("ev").size).toBe(6_400);
});
