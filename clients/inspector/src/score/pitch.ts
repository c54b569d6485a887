/** A written pitch as the facet `pt` holds it; `alter` is 0 when missing. */
export interface Pitch {
  step: Step;
  octave: number;
  alter: number;
}

export type Step = "C" | "D" | "E" | "F" | "G" | "A" | "B";

const STEPS: readonly Step[] = ["C", "D", "E", "F", "G", "A", "B"];
const SHARPS: readonly Step[] = ["F", "C", "G", "D", "A", "E", "B"];
const OCTAVE_MAX = 9;
const ALTER_MAX = 2;

const signs: Readonly<Record<string, string>> = {
  "-2": "𝄫",
  "-1": "♭",
  "0": "",
  "1": "♯",
  "2": "𝄪",
};
const words: Readonly<Record<string, string>> = {
  "-2": " double flat",
  "-1": " flat",
  "0": "",
  "1": " sharp",
  "2": " double sharp",
};
const accidentals: Readonly<Record<string, string>> = {
  "-2": "flat-flat",
  "-1": "flat",
  "0": "natural",
  "1": "sharp",
  "2": "double-sharp",
};

export function isStep(value: unknown): value is Step {
  return typeof value === "string" && (STEPS as readonly string[]).includes(value);
}

/** "F♯": the letter and its sign. */
export function letterOf(pitch: Pitch): string {
  return pitch.step + (signs[pitch.alter] ?? "?");
}

/** "F♯4". */
export function nameOf(pitch: Pitch): string {
  return letterOf(pitch) + pitch.octave;
}

/** "F sharp 4", to be read aloud. */
export function spokenName(pitch: Pitch): string {
  return `${pitch.step}${words[pitch.alter] ?? ""} ${pitch.octave}`;
}

/** Steps of the scale above C0: how high it is written, whatever the sign. */
export function heightOf(pitch: Pitch): number {
  return pitch.octave * 7 + STEPS.indexOf(pitch.step);
}

/** By how much a key signature alters a step; `fifths` counts sharps, or flats when negative. */
export function alterInKey(step: Step, fifths: number): number {
  const place = SHARPS.indexOf(step);
  if (fifths > 0) return place < fifths ? 1 : 0;
  return place >= 7 + fifths ? -1 : 0;
}

/** The pitch some steps of the scale away, altered as the key says; null beyond the range. */
export function movedBySteps(pitch: Pitch, steps: number, fifths: number): Pitch | null {
  const height = heightOf(pitch) + steps;
  const octave = Math.floor(height / 7);
  const step = STEPS[height - octave * 7];
  if (step === undefined || octave < 0 || octave > OCTAVE_MAX) return null;
  return { step, octave, alter: alterInKey(step, fifths) };
}

/** The pitch some octaves away, its alteration kept; null beyond the range. */
export function movedByOctaves(pitch: Pitch, octaves: number): Pitch | null {
  const octave = pitch.octave + octaves;
  return octave < 0 || octave > OCTAVE_MAX ? null : { ...pitch, octave };
}

/** The same letter raised or lowered by semitones; null beyond a double sharp or flat. */
export function altered(pitch: Pitch, semitones: number): Pitch | null {
  const alter = pitch.alter + semitones;
  return Math.abs(alter) > ALTER_MAX ? null : { ...pitch, alter };
}

/** Reads the written pitch of a value of `pt`; null for rests and for what is no pitch. */
export function pitchOf(value: unknown): Pitch | null {
  if (typeof value !== "object" || value === null) return null;
  const { step, octave, alter, rest } = value as Record<string, unknown>;
  if (rest !== undefined && rest !== false && rest !== null) return null;
  if (!isStep(step) || typeof octave !== "number") return null;
  return { step, octave, alter: typeof alter === "number" ? alter : 0 };
}

/**
 * The value of `pt` with another pitch in it, everything else kept. The printed sign follows:
 * one is shown where the pitch departs from the key, none where it does not.
 */
export function withPitch(value: object, pitch: Pitch, fifths: number): Record<string, unknown> {
  const result: Record<string, unknown> = { ...value, step: pitch.step, octave: pitch.octave };
  if (pitch.alter === 0) delete result["alter"];
  else result["alter"] = pitch.alter;
  if (pitch.alter === alterInKey(pitch.step, fifths)) delete result["accidental"];
  else result["accidental"] = accidentals[pitch.alter];
  return result;
}
