import type { Score } from "bandpro-sdk";
import { openScore } from "bandpro-sdk";
import { afterEach, expect, test } from "vitest";
import { Desk } from "../src/editing/desk.ts";
import { type Command, commandOf } from "../src/editing/keys.ts";
import { entryOf } from "../src/engraving/entries.ts";

// A score that is never connected: it is edited as it is offline.
const opened: Score[] = [];

/** Node before version 22 has no sockets; this one stays closed. */
class Unopened extends EventTarget {
  readonly readyState = 3;
  close(): void {}
  send(): void {}
}

function begun(extra: (score: Score) => void = () => undefined): { desk: Desk; score: Score } {
  const score = openScore("http://127.0.0.1:9", "unit/tune", {
    followHome: false,
    WebSocket: Unopened,
  });
  score.pause();
  opened.push(score);
  score.doc.getMap("parts").set("p", { order: "a", name: "Violin", staves: 1 });
  score.doc.getMap("measures").set("m1", { order: "a", number: "1" });
  score.doc.getMap("measures").set("m2", { order: "b", number: "2" });
  score.doc.getMap("attr").set("time|m1|*|0/1", { beats: [4], unit: 4 });
  score.doc.getMap("attr").set("key|m1|*|0/1", { fifths: 2 });
  score.doc.getMap("attr").set("clef|m1|p|0/1", { sign: "G", line: 2 });
  extra(score);
  const desk = new Desk(score);
  desk.begin();
  return { desk, score };
}

afterEach(() => {
  for (const score of opened.splice(0)) score.close();
});

/** Presses keys one after the other; a name of several letters is in angle brackets. */
function type(desk: Desk, keys: string): void {
  for (const [, ctrl, named, plain] of keys.matchAll(/(\^)?(?:<(\w+)>|(.))/g)) {
    const key = named ?? plain ?? "";
    const command: Command | null = commandOf({
      key,
      code: "",
      ctrlKey: ctrl !== undefined,
      metaKey: false,
      altKey: false,
      shiftKey: /^[A-Z]$/.test(key),
    });
    expect([key, command]).not.toEqual([key, null]);
    if (command) desk.run(command);
  }
}

/** Each measure as text: pitch and length in quarters, chords joined, empty time as a dash. */
function music({ desk }: { desk: Desk }): string[] {
  const { index } = desk.desktop.get();
  return index.view.measures.map((measure) =>
    index.places
      .filter((place) => place.measure === measure.id)
      .map((place) => {
        const length = `${place.duration.numerator}/${place.duration.denominator}`.replace(
          "/1",
          "",
        );
        const names = place.events.map((id) => {
          const { step, octave, alter, rest } = entryOf(index.facets, "pt", id);
          const sign = alter === 1 ? "#" : alter === -1 ? "b" : "";
          return rest ? "r" : `${step}${sign}${octave}`;
        });
        return `${names.sort().join("+") || "-"}:${length}`;
      })
      .join(" "),
  );
}

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

test("undo takes back one edit after the other, and redo makes them again", () => {
  const tune = begun();
  type(tune.desk, "5de");
  type(tune.desk, "^z");
  expect(music(tune)[0]).toBe("D5:1 -:1 -:2");
  type(tune.desk, "^z^y^y");
  expect(music(tune)[0]).toBe("D5:1 E5:1 -:2");
});
