import { expect, test } from "vitest";
import type { Desk } from "../src/editing/desk.ts";
import { entryOf } from "../src/engraving/entries.ts";
import { begun, music, type } from "./tune.ts";

test("letters write notes of the chosen length, in the key, near the one before", () => {
  const tune = begun();
  type(tune.desk, "5fe4de7");
  expect(music(tune)).toEqual(["F#4:1 E4:1 D4:1/2 E4:1/2 -:1", "-:4"]);
});

test("a key within a measure that was deleted holds from the next one on", () => {
  const tune = begun((score) => {
    score.doc.getMap("measures").set("m1", { order: "a", number: "1", deleted: true });
    score.doc.getMap("attr").set("key|m1|*|2/1", { fifths: -1 });
  });
  type(tune.desk, "5b");
  expect(music(tune)).toEqual(["Bb4:1 -:1 -:2"]);
});

test("a note over the barline is written as two that are tied, and measures are added", () => {
  const tune = begun();
  type(tune.desk, "6.a6b7c");
  const [first, second, third] = music(tune);
  expect([first, second]).toEqual(["A4:3 B4:1", "B4:1 C#5:3"]);
  expect(third).toBe("C#5:1 -:1 -:2");
});

test("chords, arrows, signs, dots, rests and deleting", () => {
  const tune = begun();
  type(tune.desk, "5dF");
  expect(music(tune)[0]).toBe("D5+F#5:1 -:1 -:2");
  type(tune.desk, "<ArrowLeft><ArrowUp>");
  expect(music(tune)[0]).toBe("E5+G5:1 -:1 -:2");
  type(tune.desk, "+");
  expect(music(tune)[0]).toBe("E#5+G#5:1 -:1 -:2");
  type(tune.desk, "^<ArrowDown>=.");
  expect(music(tune)[0]).toBe("E4+G4:3/2 -:1/2 -:2");
  type(tune.desk, "<ArrowRight>40");
  expect(music(tune)[0]).toBe("E4+G4:3/2 r:1/2 -:2");
  type(tune.desk, "<ArrowLeft><ArrowLeft><Delete>");
  expect(music(tune)[0]).toBe("-:1 -:1/2 r:1/2 -:2");
});

test("a note is foreseen where it will be, and nothing is written yet", () => {
  const tune = begun();
  type(tune.desk, "5");
  const foreseen = tune.desk.foresee({ do: "step", step: "F", isChord: false });
  const { index, selected } = tune.desk.desktop.get();
  expect(foreseen?.pitch).toEqual({ step: "F", octave: 4, alter: 1 });
  expect(foreseen?.at).toBe(selected[0]?.id);
  expect(index.place(foreseen?.at ?? "")?.kind).toBe("gap");
  expect(music(tune)[0]).not.toContain("F");
  type(tune.desk, "f<ArrowLeft>");
  expect(music(tune)[0]).toContain("F#4:1");
  expect(tune.desk.foresee({ do: "move", by: 1 })?.pitch).toMatchObject({ step: "G", octave: 4 });
  expect(tune.desk.foresee({ do: "delete" })).toBeNull();
});

test("undo takes back one edit after the other, and redo makes them again", () => {
  const tune = begun();
  type(tune.desk, "5de");
  type(tune.desk, "^z");
  expect(music(tune)[0]).toBe("D5:1 -:1 -:2");
  type(tune.desk, "^z^y^y");
  expect(music(tune)[0]).toBe("D5:1 E5:1 -:2");
});

/** The voices of a measure, each as its notes at their onsets. */
function voices({ desk }: { desk: Desk }, measure = "m1"): Record<string, string> {
  const { index } = desk.desktop.get();
  const found: Record<string, string> = {};
  for (const place of index.places) {
    if (place.measure !== measure || place.kind === "gap") continue;
    const notes = place.events.map((id) => {
      const { step, octave } = entryOf(index.facets, "pt", id);
      return `${step}${octave}`;
    });
    const kind = place.kind === "grace" ? "grace " : "";
    const name = `${place.staff}/${place.voice}`;
    const said = `${kind}${notes.sort().join("+")}@${place.onset.numerator}/${place.onset.denominator}`;
    found[name] = `${found[name] ?? ""} ${said}`.trim();
  }
  return found;
}

test("a second voice is written beside the first, and the cursor stays in it", () => {
  const tune = begun();
  type(tune.desk, "5dfac");
  type(tune.desk, "<ArrowLeft><ArrowLeft><ArrowLeft><ArrowLeft>^~26");
  expect(tune.desk.desktop.get().selected.map(({ kind, voice }) => [kind, voice])).toEqual([
    ["gap", 2],
  ]);
  type(tune.desk, "d^<ArrowDown>b");
  expect(voices(tune)).toEqual({ "1/1": "D5@0/1 F5@1/1 A5@2/1 C6@3/1", "1/2": "D4@0/1 B3@2/1" });
  // On to the next measure, in the same voice; Backspace takes what was written before.
  expect(tune.desk.desktop.get().selected[0]).toMatchObject({ measure: "m2", voice: 2 });
  type(tune.desk, "<Backspace>");
  expect(voices(tune)["1/2"]).toBe("D4@0/1");
  type(tune.desk, "5<ArrowRight>e");
  expect(voices(tune)["1/2"]).toBe("D4@0/1 E4@3/1");
  type(tune.desk, "<ArrowLeft><ArrowLeft>^~1");
  expect(tune.desk.desktop.get().selected[0]).toMatchObject({ kind: "chord", voice: 1 });
});

test("the lower staff of a part has voices of its own", () => {
  const tune = begun((score) => score.doc.getMap("parts").set("p", { order: "a", staves: 2 }));
  type(tune.desk, "5de<ArrowLeft><ArrowLeft>");
  type(tune.desk, "~<ArrowDown>fg");
  expect(voices(tune)).toEqual({ "1/1": "D5@0/1 E5@1/1", "2/5": "F4@0/1 G4@1/1" });
});

test("intervals are added over and under a note, in the key; a grace note before it", () => {
  const tune = begun();
  type(tune.desk, "5d~3~_6");
  expect(music(tune)[0]).toBe("D5+F#4+F#5:1 -:1 -:2");
  type(tune.desk, "<ArrowLeft>/");
  expect(voices(tune)["1/1"]).toBe("grace G5@0/1 D5+F4+F5@0/1");
  type(tune.desk, "a");
  expect(voices(tune)["1/1"]).toContain("grace A5@0/1");
});

test("a measure goes with what is in it, and comes back", () => {
  const tune = begun();
  type(tune.desk, "7de^<Delete>");
  expect(music(tune)).toEqual(["D5:4", "E5:4"]);
  type(tune.desk, "^<Delete>");
  expect(music(tune)).toEqual(["D5:4"]);
  type(tune.desk, "^z^z");
  expect(music(tune)).toEqual(["D5:4", "E5:4", "-:4"]);
});

test("an arrow leaves what is selected at the end that it points to", () => {
  const tune = begun();
  type(tune.desk, "5defg<ArrowLeft><ArrowLeft>_<ArrowLeft>_<ArrowLeft>");
  expect(tune.desk.desktop.get().selected.length).toBe(3);
  type(tune.desk, "<ArrowRight>a");
  expect(music(tune)[0]).toBe("D5:1 E5:1 F#5:1 A5:1");
  type(tune.desk, "_<ArrowLeft>_<ArrowLeft><ArrowLeft>c");
  expect(music(tune)[0]).toBe("C#5:1 E5:1 F#5:1 A5:1");
});

test("all of a voice is selected, from the beginning to the end", () => {
  const tune = begun();
  type(tune.desk, "5defga^a<ArrowUp>");
  expect(music(tune)).toEqual(["E5:1 F#5:1 G5:1 A5:1", "B5:1 -:1 -:2"]);
});

test("what is copied is pasted instead of what is there, over barlines, with new measures", () => {
  const tune = begun();
  type(tune.desk, "5d4fg6at<ArrowRight>");
  expect(music(tune)).toEqual(["D5:1 F#5:1/2 G5:1/2 A5:2", "A5:2 -:2"]);
  const { index } = tune.desk.desktop.get();
  tune.desk.select(index.inMeasure("m1")[0]?.id ?? "");
  type(tune.desk, "_<ArrowRight>_<ArrowRight>^c<ArrowRight><ArrowRight>^v");
  expect(music(tune)).toEqual(["D5:1 F#5:1/2 G5:1/2 A5:2", "D5:1 F#5:1/2 G5:1/2 -:2"]);
  // Behind what was pasted it goes on; the last third of it is in a measure that was not there.
  type(tune.desk, "^v<ArrowLeft>^v");
  const [, second, third] = music(tune);
  expect(second).toBe("D5:1 F#5:1/2 G5:1/2 D5:1 F#5:1/2 D5:1/2");
  expect(third).toMatch(/^D5:1\/2 F#5:1\/2 G5:1\/2 /);
  type(tune.desk, "^z^z^z");
  expect(music(tune)).toEqual(["D5:1 F#5:1/2 G5:1/2 A5:2", "A5:2 -:2"]);
});

test("what is cut is pasted on another staff, in its voice", () => {
  const tune = begun((score) => score.doc.getMap("parts").set("p", { order: "a", staves: 2 }));
  type(tune.desk, "5de<ArrowLeft>_<ArrowLeft>^x");
  expect(voices(tune)).toEqual({});
  type(tune.desk, "~<ArrowDown>^v");
  expect(voices(tune)).toEqual({ "2/5": "D5@0/1 E5@1/1" });
});
