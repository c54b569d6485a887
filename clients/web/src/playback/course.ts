import { toNumber } from "bandpro-score";
import type { ScoreIndex } from "../editing/score-index.ts";
import { endOf } from "../editing/score-index.ts";
import type { Place } from "../engraving/places.ts";
import { routeOf } from "./route.ts";

/** A moment of a score; the onset in quarters from the measure's start. */
export interface Moment {
  readonly measure: string;
  readonly onset: number;
}

/** A moment as it comes in playing: in its measure for the first time, the second, ... */
export interface Turn extends Moment {
  /** From 0. */
  readonly turn: number;
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
  /** Whether it goes on to the end of the measure. */
  readonly isToEnd: boolean;
  readonly next: Turn | null;
}

/**
 * The piece that begins at a moment of the score as it is now; repeats and jumps are followed.
 *
 * @param loop is played over and over, once it is entered, with the repeats that do not lead out of
 *   it; null plays on until the end.
 * @returns null where there is nothing, as in a measure that somebody deleted.
 */
export function pieceAt(index: ScoreIndex, at: Turn, loop: Stretch | null): Piece | null {
  const length = lengthOf(index, at.measure);
  if (length === null) {
    return null;
  }
  const isLast = loop !== null && at.measure === loop.until.measure && at.onset < loop.until.onset;
  const end = isLast ? Math.min(length, loop.until.onset) : Math.max(at.onset, length);
  const isToEnd = end >= length;
  const next = loop ? nextInLoop(index, at, loop, isLast, isToEnd) : nextOf(index, at);
  return { measure: at.measure, begin: at.onset, end, isToEnd, next };
}

/** Whether a tone, or grace notes before a moment, are played in a piece. */
export function isPlayed(piece: Piece, start: number, isGrace: boolean): boolean {
  // Grace notes at the end of a measure belong to it: they come before its barline.
  const isAfterGrace = isGrace && piece.isToEnd && start >= piece.end;
  return start >= piece.begin && (start < piece.end || isAfterGrace);
}

/** What comes after a measure; in one that is never reached, as it is written. */
function nextOf(index: ScoreIndex, { measure, turn }: Turn): Turn | null {
  const after = routeOf(index).after({ measure, turn });
  if (after === undefined) {
    return besideOf(index, measure);
  }
  return after && { ...after, onset: 0 };
}

function besideOf(index: ScoreIndex, measure: string): Turn | null {
  const beside = index.measureAfter(measure);
  return beside === null ? null : { measure: beside, onset: 0, turn: 0 };
}

function nextInLoop(
  index: ScoreIndex,
  at: Turn,
  loop: Stretch,
  isLast: boolean,
  isToEnd: boolean,
): Turn | null {
  const isThere = index.measureIndex(loop.from.measure) >= 0;
  const again = isThere ? { ...loop.from, turn: 0 } : null;
  const next = nextOf(index, at);
  const isInside = next !== null && isWithin(index, loop, next);
  if (isLast) {
    return isInside && isToEnd ? next : again;
  }
  if (next === null || isInside || !isWithin(index, loop, at)) {
    return next ?? again;
  }
  return besideOf(index, at.measure);
}

function isWithin(index: ScoreIndex, { from, until }: Stretch, at: Moment): boolean {
  const rank = index.measureIndex(at.measure);
  const [first, last] = [index.measureIndex(from.measure), index.measureIndex(until.measure)];
  const isAfter = rank > first || (rank === first && at.onset >= from.onset);
  const isBefore = rank < last || (rank === last && at.onset < until.onset);
  return first >= 0 && isAfter && isBefore;
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
