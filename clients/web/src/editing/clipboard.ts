import {
  addTimes,
  type Clip,
  type ClipEvent,
  compareTimes,
  copy,
  type Operation,
  type Rational,
  readTime,
  subtractTimes,
  toNumber,
  ZERO_TIME,
} from "bandpro-score";
import { asNumber } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, spotOf, timeOf } from "./actions.ts";
import { endOf, type OnStaff, type ScoreIndex, type Spot } from "./score-index.ts";
import { placesIn } from "./selection.ts";

/** A copy of what was selected. */
export interface Copied {
  readonly clip: Clip;
  /** Where each event of the clip was written. */
  readonly lines: ReadonlyMap<string, Line>;
  /** So many staves were selected, one under the other. */
  readonly rows: number;
  /** How long what was selected is empty before its first event, and how long it is in all. */
  readonly lead: Rational;
  readonly length: Rational;
}

interface Line {
  /** Counts the selected staves from 0, the highest. */
  readonly row: number;
  /** Counts the voices of the staff from 0; -1 for one that is not counted. */
  readonly voice: number;
  /** On so many staves under that of its voice it is drawn. */
  readonly crossing: number;
}

/** Takes a copy of what is selected; null where nothing is written. */
export function copied(index: ScoreIndex, places: readonly Place[]): Copied | null {
  const ids = places.flatMap((place) => place.events);
  if (ids.length === 0) {
    return null;
  }
  const rows = places.map((place) => index.staffIndex(place));
  const top = rows.reduce((least, row) => Math.min(least, row));
  const clip = copy(index.facets, ids);
  const staffOf = new Map(clip.events.map(({ id, fields }) => [id, asNumber(fields["staff"], 1)]));
  const lines = places.flatMap((place, at) => {
    const [row, voice] = [(rows[at] ?? top) - top, index.voicesOf(place).indexOf(place.voice)];
    return place.events.map((id): [string, Line] => {
      return [id, { row, voice, crossing: (staffOf.get(id) ?? place.staff) - place.staff }];
    });
  });
  const time = timesFrom(index, places);
  const begins = places.map((place) => time(place, place.onset));
  const written = begins.filter((_, at) => (places[at]?.events.length ?? 0) > 0);
  const ends = places.map((place) => time(place, endOf(place)));
  const begin = begins.reduce(earlier);
  return {
    clip,
    lines: new Map(lines),
    rows: rows.reduce((most, row) => Math.max(most, row)) - top + 1,
    lead: subtractTimes(written.reduce(earlier), begin),
    length: subtractTimes(ends.reduce(later), begin),
  };
}

/**
 * What was copied, where the selection begins, instead of what is there; with measures for all of
 * it. Several staves are pasted from that of the cursor down; for what finds none there, it is told.
 */
export function pasted(index: ScoreIndex, places: readonly Place[], copied: Copied): Action {
  const [first] = places;
  if (!first) {
    return { operations: [] };
  }
  const clip = onto(index, first, copied);
  if (clip.events.length === 0) {
    return { operations: [], told: "staves" };
  }
  const isWide = isOfSeveralLines(copied);
  const { end, missing } = endAfter(index, first, isWide ? copied.length : lengthOf(clip));
  const { part, measure, onset } = first;
  const last = index.view.measures.at(-1)?.id;
  const paste = { op: "Paste", clip, part, measure, onset: timeOf(onset) } as const;
  const operations: Operation[] = [
    ...(missing > 0 && last !== undefined
      ? [{ op: "InsertMeasures", after: last, count: missing } as const]
      : []),
    ...(isWide ? cleared(index, first, end, copied.rows) : []),
    { ...paste, replaces: !isWide },
  ];
  const isAll = clip.events.length === copied.clip.events.length;
  return { operations, cursor: end, ...(isAll ? {} : { told: "staves" as const }) };
}

/** Whether it is more than one voice. */
function isOfSeveralLines({ lines, rows }: Copied): boolean {
  return rows > 1 || new Set([...lines.values()].map(({ voice }) => voice)).size > 1;
}

/** The same on other staves: one voice in that of the cursor, several as they are counted. */
function onto(index: ScoreIndex, first: Place, copied: Copied): Clip {
  const isWide = isOfSeveralLines(copied);
  const parts = index.view.parts;
  const events = copied.clip.events.flatMap((event): ClipEvent[] => {
    const { row, voice: ordinal, crossing } = copied.lines.get(event.id) ?? NOWHERE;
    const home = index.staffBeside(first, row);
    const voice = home && (isWide ? index.voicesOf(home)[ordinal] : first.voice);
    if (!home || voice == null) {
      return [];
    }
    const part = parts.indexOf(home.part) - parts.indexOf(first.part);
    const offset = addTimes(readTime(event.offset) ?? ZERO_TIME, copied.lead);
    const fields = { ...event.fields, voice, staff: drawnOn(index, home, crossing) };
    return [{ ...event, part, offset: timeOf(offset), fields }];
  });
  const ids = new Set(events.map(({ id }) => id));
  const spanners = copied.clip.spanners.filter((spanner) =>
    [spanner["start"], spanner["end"]].every((end) => ids.has(String(end))),
  );
  return { events, spanners };
}

const NOWHERE: Line = { row: -1, voice: -1, crossing: 0 };

/** The staff of a note that may be written over or under its voice; its own where there is none. */
function drawnOn(index: ScoreIndex, { part, staff }: OnStaff, crossing: number): number {
  const isThere = index.staffIndex({ part, staff: staff + crossing }) >= 0;
  return isThere ? staff + crossing : staff;
}

/** Takes away what begins in a stretch of time on so many staves. */
function cleared(index: ScoreIndex, first: Place, end: Spot, rows: number): Operation[] {
  const bottom = Math.min(index.staffIndex(first) + rows, index.staves.length) - 1;
  const lowest = index.staffBeside(first, bottom - index.staffIndex(first)) ?? first;
  const { part, staff, measure, onset } = first;
  const elements = placesIn(index, {
    kind: "staves",
    from: { part, staff, measure, begin: onset, end: onset },
    to: { ...lowest, measure: end.measure, begin: end.onset, end: end.onset },
  }).flatMap((place) => place.events);
  return elements.length > 0 ? [{ op: "DeleteElements", elements, with_spanners: true }] : [];
}

/** Where what is pasted ends, and how many measures the score lacks for it. */
function endAfter(
  index: ScoreIndex,
  first: Place,
  lasting: Rational,
): { end: Spot; missing: number } {
  let left = addTimes(first.onset, lasting);
  let { measure } = first;
  for (;;) {
    const length = index.length(measure, first.part);
    const next = index.measureAfter(measure);
    if (next === null || compareTimes(left, length) < 0) {
      const over = toNumber(subtractTimes(left, length)) / toNumber(length);
      const end = { ...spotOf(first), measure, onset: left };
      // Behind a last measure that is full another one follows, as when notes are written.
      return { end, missing: Math.max(0, Math.floor(over) + 1) };
    }
    left = subtractTimes(left, length);
    measure = next;
  }
}

function lengthOf(clip: Clip): Rational {
  return clip.events
    .map(({ offset, duration }) =>
      addTimes(readTime(offset) ?? ZERO_TIME, readTime(duration) ?? ZERO_TIME),
    )
    .reduce(later, ZERO_TIME);
}

/** Tells times within several measures, from the first of them on. */
function timesFrom(
  index: ScoreIndex,
  places: readonly Place[],
): (place: Place, onset: Rational) => Rational {
  const ranks = places.map(({ measure }) => index.measureIndex(measure));
  const first = ranks.reduce((least, rank) => Math.min(least, rank));
  const last = ranks.reduce((most, rank) => Math.max(most, rank));
  const starts = new Map<string, Rational>();
  let start = ZERO_TIME;
  for (const { id } of index.view.measures.slice(first, last + 1)) {
    starts.set(id, start);
    start = addTimes(start, index.length(id, places[0]?.part ?? ""));
  }
  return ({ measure }, onset) => addTimes(starts.get(measure) ?? ZERO_TIME, onset);
}

function earlier(a: Rational, b: Rational): Rational {
  return compareTimes(b, a) < 0 ? b : a;
}

function later(a: Rational, b: Rational): Rational {
  return compareTimes(b, a) > 0 ? b : a;
}
