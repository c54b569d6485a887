import { fifthsOf, type MeasureSigns } from "./signs.ts";
import type { PartStaves } from "./staves.ts";

// Estimates in units of the engraver, fitted to what it takes for a quartet, a chorale, and measures
// with signs: about an eighth off. It stretches or presses each row to the width of the page anyway.
const MEASURE = 70;
const MOMENT = 16;
const QUARTER = 40;
const EXPONENT = 0.6;
const CLEF = 75;
const ACCIDENTAL = 22;
const LETTER = 20;
const BLANK = 12;
const METRE = 47;
const NEW_CLEF = 40;
const REPEAT = 24;
const MARGINS = 100;
const BRACKET = 30;
const ROOM_MIN = 200;
/** So much of its natural width a measure needs to be legible. */
const PRESSED = 0.85;

/** Something in a measure, in quarters from its start, with so many letters under it. */
export interface Moment {
  readonly onset: number;
  readonly letters: number;
}

/**
 * About how wide a measure is drawn.
 *
 * @param length in quarters.
 * @param signs what begins in it; those at the start of a row stand there anyway.
 */
export function measureWidth(
  all: readonly Moment[],
  length: number,
  signs: MeasureSigns | null,
): number {
  const letters = new Map<number, number>();
  for (const moment of all) {
    letters.set(moment.onset, Math.max(moment.letters, letters.get(moment.onset) ?? 0));
  }
  const moments = [...letters].sort(([a], [b]) => a - b);
  let width = MEASURE + (signs ? signsWidth(signs) : 0);
  for (const [at, [onset, count]] of moments.entries()) {
    const until = moments[at + 1]?.[0] ?? Math.max(length, onset);
    const spaced = MOMENT + QUARTER * (until - onset) ** EXPONENT;
    width += Math.max(spaced, count > 0 ? LETTER * count + BLANK : 0);
  }
  return Math.round(width);
}

/** New keys, metres and clefs, and signs of repeats. */
function signsWidth({ staves, left, right }: MeasureSigns): number {
  const widths = [...staves.values()].map(
    ({ signs, hasNewKey, hasNewTime, hasNewClef, clefs }) =>
      (hasNewKey ? ACCIDENTAL * Math.abs(fifthsOf(signs.key)) : 0) +
      (hasNewTime ? METRE : 0) +
      NEW_CLEF * (clefs.length + (hasNewClef ? 1 : 0)),
  );
  const repeats = [left, right].filter((barline) => "repeat" in barline).length;
  return Math.max(0, ...widths) + REPEAT * repeats;
}

/** How much of a page is left for the measures of a row, beside names, clefs and keys. */
export function rowRoom(
  page: number,
  parts: readonly PartStaves[],
  signs: MeasureSigns | undefined,
  isFirst: boolean,
): number {
  const names = parts.map(({ name, abbreviation }) =>
    isFirst ? name.length : (abbreviation || name.slice(0, 3)).length,
  );
  const keys = [...(signs?.staves.values() ?? [])].map((staff) =>
    Math.abs(fifthsOf(staff.signs.key)),
  );
  const taken =
    MARGINS +
    (parts.length > 1 ? BRACKET : 0) +
    LETTER * Math.max(0, ...names) +
    CLEF +
    ACCIDENTAL * Math.max(0, ...keys);
  return Math.max(ROOM_MIN, page - taken);
}

/** How wide a page must be for a row to be legible: one measure may be wider than the page. */
export function pageNeeded(measures: number, page: number, room: number): number {
  return Math.max(page, Math.round(measures * PRESSED + page - room));
}
