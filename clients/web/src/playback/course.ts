import { toNumber } from "bandpro-score";
import type { ScoreIndex } from "../editing/score-index.ts";
import { endOf } from "../editing/score-index.ts";
import type { Place } from "../engraving/places.ts";

/** A moment of a score; the onset in quarters from the measure's start. */
export interface Moment {
  readonly measure: string;
  readonly onset: number;
}

/** From one moment until another, which is not in it any more. */
export interface Stretch {
  readonly from: Moment;
  readonly until: Moment;
}

/** What is played of one measure, and where it goes on; null at the end. */
export interface Piece {
  readonly measure: string;
  /** In quarters from the measure's start. */
  readonly begin: number;
  readonly end: number;
  readonly next: Moment | null;
}

/**
 * The piece that begins at a moment of the score as it is now.
 *
 * @param loop is played over and over, once it is entered; null plays on until the end.
 * @returns null where there is nothing, as in a measure that somebody deleted.
 */
export function pieceAt(index: ScoreIndex, at: Moment, loop: Stretch | null): Piece | null {
  const length = lengthOf(index, at.measure);
  if (length === null) {
    return null;
  }
  const again = loop && lengthOf(index, loop.from.measure) !== null ? loop.from : null;
  if (loop && at.measure === loop.until.measure && at.onset < loop.until.onset) {
    const end = Math.min(length, loop.until.onset);
    return { measure: at.measure, begin: at.onset, end, next: again };
  }
  const after = index.measureAfter(at.measure);
  const next = after === null ? again : { measure: after, onset: 0 };
  return { measure: at.measure, begin: at.onset, end: Math.max(at.onset, length), next };
}

/** Where playing begins: at the selection, else at the start; null in a score without measures. */
export function startOf(index: ScoreIndex, selected: readonly Place[]): Moment | null {
  const measure = selected[0]?.measure ?? index.view.measures[0]?.id;
  return measure === undefined ? null : { measure, onset: 0 };
}

/** What is played over and over: all that is selected, of a single thing its measure, else everything. */
export function stretchOf(index: ScoreIndex, selected: readonly Place[]): Stretch | null {
  const rank = (place: Place) => index.measureIndex(place.measure);
  const byTime = [...selected].sort(
    (a, b) => rank(a) - rank(b) || toNumber(a.onset) - toNumber(b.onset),
  );
  const [first] = byTime;
  const last = selected.reduce<Place | undefined>(
    (latest, place) => (latest && endsBefore(place, latest, rank) ? latest : place),
    undefined,
  );
  if (first && last && selected.length > 1) {
    return {
      from: { measure: first.measure, onset: toNumber(first.onset) },
      until: { measure: last.measure, onset: toNumber(endOf(last)) },
    };
  }
  const from = first?.measure ?? index.view.measures[0]?.id;
  const until = first?.measure ?? index.view.measures.at(-1)?.id;
  return from === undefined || until === undefined
    ? null
    : {
        from: { measure: from, onset: 0 },
        until: { measure: until, onset: lengthOf(index, until) ?? 0 },
      };
}

function endsBefore(place: Place, other: Place, rank: (place: Place) => number): boolean {
  return rank(place) === rank(other)
    ? toNumber(endOf(place)) < toNumber(endOf(other))
    : rank(place) < rank(other);
}

function lengthOf(index: ScoreIndex, measure: string): number | null {
  const isThere = index.measureIndex(measure) >= 0;
  return isThere ? toNumber(index.length(measure, index.view.parts[0] ?? "")) : null;
}
