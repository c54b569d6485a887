import { type Entry, integer } from "../model.ts";
import type { Loose } from "./draft.ts";
import {
  fifthsOf,
  fittingInterval,
  type SpelledPitch,
  STEPS,
  transposePitch,
} from "./intervals.ts";
import type { Fields, Interval, WrittenPitch } from "./operations.ts";
import { FIFTHS_MAX, isAlter, isStep, OCTAVE_MAX, OCTAVE_MIN } from "./rules.ts";

/** Reads an entry of `pt`, without its sign; null for what is no pitch or has none. */
export function spelledPitch(value: Entry): SpelledPitch | null {
  const { step, alter = 0 } = value;
  const octave = integer(value["octave"], OCTAVE_MIN, OCTAVE_MAX);
  if ("rest" in value || value["unpitched"] === true) {
    return null;
  }
  return octave === null || !isStep(step) || !isAlter(alter) ? null : { step, octave, alter };
}

/** Writes a pitch as `pt` holds it. */
export function pitchValue({ step, octave, alter, accidental }: WrittenPitch): Loose {
  return { step, octave, alter: alter || undefined, accidental: accidental || undefined };
}

/** How many sharps (or, below 0, flats) a key signature has; null when it is none. */
export function signatureFifths(value: Entry): number | null {
  return integer(value["fifths"], -FIFTHS_MAX, FIFTHS_MAX);
}

/** Moves a key signature, so that it has at most seven signs; null when it is none. */
export function movedSignature(value: Fields, interval: Interval): Fields | null {
  const fifths = signatureFifths(value);
  if (fifths === null) {
    return null;
  }
  const fitting = fittingInterval(fifths, interval);
  const { steps, alters } = value;
  if (!Array.isArray(steps) || !Array.isArray(alters)) {
    return { ...value, fifths: fifths + fifthsOf(fitting) };
  }
  if (!steps.every(isStep) || !alters.every(isAlter)) {
    return null;
  }
  const count = Math.min(steps.length, alters.length);
  const altered = new Map(steps.slice(0, count).map((step, at) => [step, alters[at] as number]));
  const signs = [...STEPS]
    .map((step) => transposePitch({ step, octave: 0, alter: altered.get(step) ?? 0 }, fitting))
    .filter((pitch) => pitch.alter !== 0);
  return {
    ...value,
    steps: signs.map((pitch) => pitch.step),
    alters: signs.map((pitch) => pitch.alter),
  };
}
