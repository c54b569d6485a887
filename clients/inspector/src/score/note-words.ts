import { spokenName } from "./pitch.ts";
import type { StripMeasure, StripNote, StripPart } from "./score-model.ts";

const values: ReadonlyArray<[quarters: number, name: string]> = [
  [8, "breve"],
  [6, "dotted whole note"],
  [4, "whole note"],
  [3, "dotted half note"],
  [2, "half note"],
  [1.5, "dotted quarter note"],
  [1, "quarter note"],
  [0.75, "dotted eighth note"],
  [0.5, "eighth note"],
  [0.25, "16th note"],
  [0.125, "32nd note"],
];

/** "quarter note", or the number of quarters for what has no plain name (a tuplet's note). */
export function durationInWords(quarters: number): string {
  const known = values.find(([length]) => Math.abs(length - quarters) < 1e-9);
  return known?.[1] ?? `${Number(quarters.toFixed(3))} quarters`;
}

/** "beat 2", "beat 2½": where in the measure, counted in quarters from 1. */
export function beatInWords(onset: number): string {
  const whole = Math.floor(onset + 1e-9);
  const rest = onset - whole;
  const fraction = [
    [0.25, "¼"],
    [0.5, "½"],
    [0.75, "¾"],
  ].find(([part]) => Math.abs(Number(part) - rest) < 1e-9)?.[1];
  if (rest < 1e-9) return `beat ${whole + 1}`;
  return fraction === undefined
    ? `beat ${Number((onset + 1).toFixed(2))}`
    : `beat ${whole + 1}${fraction}`;
}

/** "Soprano, measure 3, beat 2, F sharp 4, quarter note, fermata". */
export function noteInWords(note: StripNote, part: StripPart, measure: StripMeasure): string {
  const what = note.pitch === null ? "rest" : spokenName(note.pitch);
  const pieces = [
    part.name,
    `measure ${measure.number}`,
    beatInWords(note.onset),
    what,
    durationInWords(note.duration),
  ];
  if (note.fermata) pieces.push("fermata");
  if (note.syllable !== null) pieces.push(`sung “${note.syllable.replace(/-$/, "")}”`);
  return pieces.join(", ");
}
