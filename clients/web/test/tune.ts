import type { Score } from "bandpro-sdk";
import { openScore } from "bandpro-sdk";
import { afterEach, expect } from "vitest";
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

export function begun(extra: (score: Score) => void = () => undefined): {
  desk: Desk;
  score: Score;
} {
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

/**
 * Presses keys one after the other; a name of several letters is in angle brackets, `^` is Ctrl, `~`
 * is Alt and `_` is Shift.
 */
export function type(desk: Desk, keys: string): void {
  for (const [, held = "", named, plain] of keys.matchAll(/([\^~_]*)(?:<(\w+)>|(.))/g)) {
    const key = named ?? plain ?? "";
    const command: Command | null = commandOf({
      key,
      code: /^\d$/.test(key) ? `Digit${key}` : "",
      ctrlKey: held.includes("^"),
      metaKey: false,
      altKey: held.includes("~"),
      shiftKey: held.includes("_") || /^[A-Z]$/.test(key),
    });
    expect([key, command]).not.toEqual([key, null]);
    if (command) desk.run(command);
  }
}

/** Each measure as text: pitch and length in quarters, chords joined, empty time as a dash. */
export function music({ desk }: { desk: Desk }): string[] {
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
