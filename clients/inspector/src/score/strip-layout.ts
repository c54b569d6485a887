import { heightOf } from "./pitch.ts";
import type { StripMeasure, StripNote, StripPart } from "./score-model.ts";

/** All lengths in CSS pixels. */
export const QUARTER_PX = 52;
export const STEP_PX = 5;
export const NOTE_HEIGHT_PX = 20;
const LANE_PADDING_PX = 8;
const LANE_STEPS_MAX = 16;
const TEXT_PX = 16;
const MEASURE_PADDING_PX = 7;
const MEASURE_MIN_PX = 34;
const NOTE_MIN_PX = 8;
const NOTE_GAP_PX = 2;

/** Where each measure begins; one more number at the end says where the last one ends. */
export function measureOffsets(measures: readonly StripMeasure[]): number[] {
  const offsets = [0];
  let offset = 0;
  for (const measure of measures) {
    const width = measure.length * QUARTER_PX + 2 * MEASURE_PADDING_PX;
    offset += Math.max(MEASURE_MIN_PX, width);
    offsets.push(offset);
  }
  return offsets;
}

/** The first and the one-past-last measure that a window onto the strip shows. */
export function visibleMeasures(
  offsets: readonly number[],
  left: number,
  width: number,
): { first: number; end: number } {
  const count = offsets.length - 1;
  const first = Math.max(0, lastAtOrBefore(offsets, left));
  const end = Math.min(count, lastAtOrBefore(offsets, left + width) + 1);
  return { first: Math.min(first, count), end: Math.max(end, 0) };
}

/** How high a part's lane is: its range of pitches, within bounds, and a line of text. */
export function laneHeight(part: StripPart): number {
  const steps = Math.min(LANE_STEPS_MAX, part.highest - part.lowest);
  return steps * STEP_PX + NOTE_HEIGHT_PX + 2 * LANE_PADDING_PX + (part.hasText ? TEXT_PX : 0);
}

export interface Box {
  left: number;
  top: number;
  width: number;
}

/** Where a note lies in its cell: along by onset, up by pitch. */
export function noteBox(note: StripNote, part: StripPart): Box {
  const left = MEASURE_PADDING_PX + note.onset * QUARTER_PX;
  const width = Math.max(NOTE_MIN_PX, note.duration * QUARTER_PX - NOTE_GAP_PX);
  const range = part.highest - part.lowest;
  const scale = range > LANE_STEPS_MAX ? LANE_STEPS_MAX / range : 1;
  const below = note.pitch === null ? range / 2 : part.highest - heightOf(note.pitch);
  return { left, top: LANE_PADDING_PX + below * scale * STEP_PX, width };
}

/** How much of a note's name fits: letter and octave, the letter alone, or nothing. */
export function labelFit(width: number): "full" | "letter" | "none" {
  if (width >= 30) return "full";
  return width >= 17 ? "letter" : "none";
}

function lastAtOrBefore(offsets: readonly number[], position: number): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
