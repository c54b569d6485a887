import type { Pitch, Step } from "./pitch.ts";
import type { ScoreModel } from "./score-model.ts";

/** A tone to be heard: when it begins and how long it lasts, in quarters from the measure's. */
export interface Tone {
  id: string;
  part: number;
  start: number;
  duration: number;
  hertz: number;
}

const SEMITONES: Readonly<Record<Step, number>> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const A4_HERTZ = 440;
const A4_SEMITONES = 57;

export function hertzOf(pitch: Pitch): number {
  const semitones = pitch.octave * 12 + SEMITONES[pitch.step] + pitch.alter;
  return A4_HERTZ * 2 ** ((semitones - A4_SEMITONES) / 12);
}

/** The tones of one measure, in the order in which they begin. */
export function tonesOf(model: ScoreModel, measure: string): Tone[] {
  const tones: Tone[] = [];
  model.parts.forEach((part, index) => {
    for (const note of model.cell(part.id, measure)) {
      if (note.pitch === null || note.duration <= 0) continue;
      tones.push({
        id: note.id,
        part: index,
        start: note.onset,
        duration: note.duration,
        hertz: hertzOf(note.pitch),
      });
    }
  });
  return tones.sort((a, b) => a.start - b.start);
}
