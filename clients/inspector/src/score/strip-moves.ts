import { altered, heightOf, movedByOctaves, movedBySteps, type Pitch } from "./pitch.ts";
import type { ScoreModel, StripNote } from "./score-model.ts";

/** What a key on the strip asks for. */
export type StripMove =
  | { kind: "along"; by: 1 | -1 }
  | { kind: "across"; by: 1 | -1 }
  | { kind: "edge"; to: "first" | "last" }
  | { kind: "steps"; by: 1 | -1 }
  | { kind: "octaves"; by: 1 | -1 }
  | { kind: "semitones"; by: 1 | -1 };

interface Keys {
  key: string;
  shiftKey: boolean;
  altKey: boolean;
}

/** Reads a key press on the strip; null when it means nothing there. */
export function moveOfKey({ key, shiftKey, altKey }: Keys): StripMove | null {
  if (key === "ArrowRight") return { kind: "along", by: 1 };
  if (key === "ArrowLeft") return { kind: "along", by: -1 };
  if (key === "Home") return { kind: "edge", to: "first" };
  if (key === "End") return { kind: "edge", to: "last" };
  if (key === "+" || key === "=") return { kind: "semitones", by: 1 };
  if (key === "-" || key === "_") return { kind: "semitones", by: -1 };
  if (key !== "ArrowUp" && key !== "ArrowDown") return null;
  const up = key === "ArrowUp";
  if (altKey) return { kind: "across", by: up ? -1 : 1 };
  return { kind: shiftKey ? "octaves" : "steps", by: up ? 1 : -1 };
}

/** The note that a move along or across the strip leads to; null when there is none. */
export function neighbour(model: ScoreModel, from: StripNote, move: StripMove): StripNote | null {
  if (move.kind === "across") return across(model, from, move.by);
  if (move.kind !== "along" && move.kind !== "edge") return null;
  const line = lineOf(model, from.part);
  if (move.kind === "edge") return line.at(move.to === "first" ? 0 : -1) ?? null;
  const index = line.findIndex((note) => note.id === from.id);
  return index < 0 ? null : (line[index + move.by] ?? null);
}

/** The pitch that an edit of a note leads to; null when it is out of reach. */
export function editedPitch(pitch: Pitch, fifths: number, move: StripMove): Pitch | null {
  if (move.kind === "steps") return movedBySteps(pitch, move.by, fifths);
  if (move.kind === "octaves") return movedByOctaves(pitch, move.by);
  if (move.kind === "semitones") return altered(pitch, move.by);
  return null;
}

/** All notes of a part in the order in which they sound. */
function lineOf(model: ScoreModel, part: string): StripNote[] {
  return model.measures.flatMap((measure) => model.cell(part, measure.id));
}

/** The note of a neighbouring part that sounds at the same time, or begins next. */
function across(model: ScoreModel, from: StripNote, by: 1 | -1): StripNote | null {
  const chord = model.cell(from.part, from.measure).filter((note) => note.onset === from.onset);
  const inChord = chord.findIndex((note) => note.id === from.id) + by;
  const own = chord[inChord];
  if (own !== undefined && inChord >= 0) return own;
  const parts = model.parts;
  const index = parts.findIndex((part) => part.id === from.part);
  for (let place = index + by; place >= 0 && place < parts.length; place += by) {
    const part = parts[place];
    const notes = part === undefined ? [] : model.cell(part.id, from.measure);
    const sounding = notes.filter((note) => note.onset <= from.onset + 1e-9);
    const onset = sounding.at(-1)?.onset;
    const candidates = notes.filter((note) => note.onset === onset).sort(higherFirst);
    const target = by > 0 ? candidates[0] : candidates.at(-1);
    if (target !== undefined) return target;
    if (notes[0] !== undefined) return notes[0];
  }
  return null;
}

function higherFirst(a: StripNote, b: StripNote): number {
  const height = (note: StripNote): number => (note.pitch === null ? 0 : heightOf(note.pitch));
  return height(b) - height(a);
}
