import { STEP_SEMITONES } from "../model.ts";
import type { Interval } from "./operations.ts";

/** The letters of the scale, from the one at which an octave begins. */
export const STEPS = "CDEFGAB";

const LINE_OF_FIFTHS = "FCGDAEB";
const FIFTHS_OF_A_SHARP = 7;
const STEPS_IN_OCTAVE = 7;
const ALTER_MAX = 2;
const KEY_FIFTHS_MAX = 7;
const FIFTHS_OF_A_COMMA = 12; // twelve fifths are an octave, in another spelling

/** A pitch as it is written, without its sign. */
export interface SpelledPitch {
  readonly step: string;
  readonly octave: number;
  readonly alter: number;
}

/** An interval's extent on the line of fifths; octaves do not count. */
export function fifthsOf(interval: Interval): number {
  return FIFTHS_OF_A_SHARP * interval.chromatic - FIFTHS_OF_A_COMMA * interval.diatonic;
}

/**
 * Moves a pitch by an interval. Where that would take more than a double sharp or flat, the next
 * spelling with fewer is taken.
 */
export function transposePitch(pitch: SpelledPitch, interval: Interval): SpelledPitch {
  let spelled = interval;
  let there = moved(pitch, spelled);
  while (Math.abs(there.alter) > ALTER_MAX) {
    spelled = respelled(spelled, there.alter > 0 ? 1 : -1);
    there = moved(pitch, spelled);
  }
  return there;
}

/** Spells an interval so that a key signature, moved by it, has at most seven signs. */
export function fittingInterval(fifths: number, interval: Interval): Interval {
  let fitting = interval;
  while (fifths + fifthsOf(fitting) > KEY_FIFTHS_MAX) {
    fitting = respelled(fitting, 1);
  }
  while (fifths + fifthsOf(fitting) < -KEY_FIFTHS_MAX) {
    fitting = respelled(fitting, -1);
  }
  return fitting;
}

/** By how many semitones a key signature alters a letter. */
export function signatureAlter(step: string, fifths: number): number {
  return Math.floor((fifths + 6 - LINE_OF_FIFTHS.indexOf(step)) / FIFTHS_OF_A_SHARP);
}

/** The same semitones, written so many steps wider: 1 makes C# to Db. */
function respelled({ diatonic, chromatic }: Interval, commas: number): Interval {
  return { diatonic: diatonic + commas, chromatic };
}

function moved(pitch: SpelledPitch, interval: Interval): SpelledPitch {
  const place = STEPS.indexOf(pitch.step) + interval.diatonic;
  const octaves = Math.floor(place / STEPS_IN_OCTAVE);
  const step = STEPS[place - octaves * STEPS_IN_OCTAVE] ?? "";
  const octave = pitch.octave + octaves;
  const was = 12 * pitch.octave + (STEP_SEMITONES.get(pitch.step) ?? 0);
  const is = 12 * octave + (STEP_SEMITONES.get(step) ?? 0);
  return { step, octave, alter: pitch.alter + was + interval.chromatic - is };
}
