import { timeText } from "bandpro-score";
import type { Score } from "bandpro-sdk";
import type { Desk } from "../src/editing/desk.ts";
import { entryOf } from "../src/engraving/entries.ts";

type Note = readonly [id: string, measure: string, onset: number, lasts: number, pitch: string];

function write({ doc }: Score, part: string, staff: number, voice: number, notes: Note[]): void {
  for (const [id, measure, onset, lasts, pitch] of notes) {
    const at = { part, measure, staff, voice, onset: [onset, 1], duration: [lasts, 1] };
    doc.getMap("ev").set(id, { kind: "note", ...at });
    doc.getMap("pt").set(id, { step: pitch[0], octave: Number(pitch[1]) });
  }
}

/** A violin over a piano, in whose upper staff two voices are, in C major. */
export function trio(score: Score): void {
  const { doc } = score;
  doc.getMap("parts").set("q", { order: "b", name: "Piano", staves: 2 });
  doc.getMap("attr").set("key|m1|*|0/1", { fifths: 0 });
  doc.getMap("attr").set("clef|m1|q/2|0/1", { sign: "F", line: 4 });
  write(score, "p", 1, 1, [
    ["p1", "m1", 0, 1, "D5"],
    ["p2", "m1", 1, 1, "E5"],
    ["p3", "m1", 2, 2, "F5"],
    ["p4", "m2", 0, 4, "G5"],
  ]);
  write(score, "q", 1, 1, [
    ["q1", "m1", 0, 2, "G4"],
    ["q2", "m1", 2, 2, "A4"],
  ]);
  write(score, "q", 1, 2, [
    ["r1", "m1", 0, 1, "C4"],
    ["r2", "m1", 1, 3, "D4"],
  ]);
  write(score, "q", 2, 5, [
    ["s1", "m1", 0, 4, "C3"],
    ["s2", "m2", 0, 2, "D3"],
  ]);
}

/** What is written in each voice, in the order of the page: pitches at measures and onsets. */
export function lines(desk: Desk): Record<string, string> {
  const { index } = desk.desktop.get();
  const found: Record<string, string> = {};
  for (const place of index.places) {
    const names = place.events.map((id) => {
      const { step, octave, alter } = entryOf(index.facets, "pt", id);
      return `${step}${alter === 1 ? "#" : alter === -1 ? "b" : ""}${octave}`;
    });
    if (names.length === 0) continue;
    const measure = index.measureIndex(place.measure) + 1;
    const beat = timeText(place.onset).replace("/1", "");
    const line = `${place.part}${place.staff}.${place.voice}`;
    const said = `${names.sort().join("+")}@${measure}:${beat}`;
    found[line] = `${found[line] ?? ""} ${said}`.trim();
  }
  return found;
}
