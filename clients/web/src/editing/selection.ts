// What is selected, how that grows and moves, and the places that it stands for.
import { compareTimes, type Rational, subtractTimes, ZERO_TIME } from "bandpro-score";
import type { Place } from "../engraving/places.ts";
import { spotOf } from "./actions.ts";
import { endOf, type OnStaff, type ScoreIndex, type Spot } from "./score-index.ts";

/**
 * A moment of a voice; things written in one staff, from one to another; or all voices of the
 * staves between two corners, from the earlier one to the end of the later one.
 */
export type Selection =
  | { readonly kind: "none" }
  | { readonly kind: "spot"; readonly spot: Spot }
  | { readonly kind: "things"; readonly from: string; readonly to: string }
  | { readonly kind: "staves"; readonly from: Corner; readonly to: Corner };

/** A stretch of one measure on one staff. It is known by its time, so that it outlives what is there. */
export interface Corner extends OnStaff {
  readonly measure: string;
  readonly begin: Rational;
  readonly end: Rational;
}

export const NOTHING_SELECTED: Selection = { kind: "none" };

/** What somebody sees selected: staff by staff, then voice by voice, each in the order of time. */
export function placesIn(index: ScoreIndex, selection: Selection): readonly Place[] {
  if (selection.kind === "spot") {
    const place = index.at(selection.spot);
    return place ? [place] : [];
  }
  if (selection.kind === "none") {
    return [];
  }
  if (selection.kind === "staves") {
    return betweenCorners(index, selection.from, selection.to);
  }
  const [from, to] = [index.place(selection.from), index.place(selection.to)];
  const found = from ?? to;
  if (!found) {
    return [];
  }
  return from && to ? index.between(from, to) : [found];
}

/** One place alone. */
export function only(place: Place): Selection {
  return place.kind === "gap"
    ? { kind: "spot", spot: spotOf(place) }
    : { kind: "things", from: place.id, to: place.id };
}

/** All voices of a staff in a measure; from where the selection began, if that is to be kept. */
export function measureOnStaff(
  index: ScoreIndex,
  selection: Selection | null,
  measure: string,
  { part, staff }: OnStaff,
): Selection {
  const to: Corner = { ...wholeOf(index, measure, part), part, staff };
  const from = (selection && cornersOf(index, selection)?.from) ?? to;
  const [first, second] = from === to ? betweenCorners(index, from, to) : [];
  // In a measure where nothing is, the cursor is.
  return first?.kind === "gap" && !second ? only(first) : { kind: "staves", from, to };
}

/** From where the selection began to a place; on another staff in all voices of all staves between. */
export function extendedTo(index: ScoreIndex, selection: Selection, place: Place): Selection {
  const [first] = placesIn(index, selection);
  const corners = cornersOf(index, selection);
  if (!first || !corners) {
    return only(place);
  }
  const isBeside = first.part === place.part && first.staff === place.staff;
  if (selection.kind === "staves" || !isBeside) {
    return { kind: "staves", from: corners.from, to: cornerOf(index, place) };
  }
  const from = selection.kind === "things" ? selection.from : first.id;
  return { kind: "things", from, to: place.id };
}

/** A moment; one behind the end of its measure is in a later one. */
export function atMoment(index: ScoreIndex, spot: Spot): Selection {
  let { measure, onset } = spot;
  for (;;) {
    const length = index.length(measure, spot.part);
    const next = compareTimes(onset, length) >= 0 ? index.measureAfter(measure) : null;
    if (next === null) break;
    [measure, onset] = [next, subtractTimes(onset, length)];
  }
  return { kind: "spot", spot: { ...spot, measure, onset } };
}

/** An arrow: the neighbour in the voice; null where there is none. */
export function beside(
  index: ScoreIndex,
  selection: Selection,
  by: 1 | -1,
  isExtending: boolean,
): Selection | null {
  if (isExtending && selection.kind === "staves") {
    return grown(index, selection.from, selection.to, by);
  }
  const selected = placesIn(index, selection);
  const [first] = selected;
  if (!first) {
    return index.first && only(index.first);
  }
  // As in a text: what is selected is left at the end that the arrow points to, in its first voice.
  const line =
    selection.kind === "staves" ? selected.filter((each) => isOfLine(each, first)) : null;
  const end = by > 0 ? (line ?? selected).at(-1) : first;
  const head = (isExtending && selection.kind === "things" && index.place(selection.to)) || end;
  if (!head) {
    return null;
  }
  if (!index.isDrawn(head)) {
    // The voice has nothing here: the cursor goes along what the others have.
    const next = index.beside(head, by);
    return next && atMoment(index, { ...spotOf(next), voice: head.voice });
  }
  const next = index.neighbour(head, by);
  if (next) {
    return isExtending ? extendedTo(index, selection, next) : only(next);
  }
  return by === 1 && !isExtending ? behind(index, head) : null;
}

/** Behind the last note of a voice, where its time is empty and not drawn. */
function behind(index: ScoreIndex, head: Place): Selection | null {
  const onset = endOf(head);
  const length = index.length(head.measure, head.part);
  const isInside = compareTimes(onset, length) < 0;
  // A measure may have more in it than fits: the next one begins with its beginning all the same.
  return isInside || index.measureAfter(head.measure) !== null
    ? atMoment(index, { ...spotOf(head), onset: isInside ? onset : length })
    : null;
}

/** The same moment in another voice of the staff, counted from 1. */
export function inVoice(
  index: ScoreIndex,
  selection: Selection,
  ordinal: number,
): Selection | null {
  const [first] = placesIn(index, selection);
  const voice = first && index.voicesOf(first)[ordinal - 1];
  return first && voice !== undefined ? atMoment(index, { ...spotOf(first), voice }) : null;
}

/** The same moment on the staff above or below, or the selection so far as that one. */
export function acrossStaves(
  index: ScoreIndex,
  selection: Selection,
  by: 1 | -1,
  isExtending: boolean,
): Selection | null {
  if (isExtending) {
    const corners = cornersOf(index, selection);
    const target = corners && index.staffBeside(corners.to, by);
    return target && { kind: "staves", from: corners.from, to: { ...corners.to, ...target } };
  }
  const [first] = placesIn(index, selection);
  const next = first && index.acrossStaves(first, by);
  return next ? atMoment(index, spotOf(next)) : null;
}

/** All that the voice of the cursor has; everything, once that is selected. */
export function all(index: ScoreIndex, selection: Selection): Selection | null {
  const own = placesIn(index, selection)[0] ?? index.first;
  const line = index.places.filter((place) => own && isOfLine(place, own));
  const [from, to] = [line[0]?.id, line.at(-1)?.id];
  if (from === undefined || to === undefined) {
    return null;
  }
  const isDone = selection.kind === "things" && selection.from === from && selection.to === to;
  return isDone || selection.kind === "staves" ? everything(index) : { kind: "things", from, to };
}

function everything(index: ScoreIndex): Selection | null {
  const { measures } = index.view;
  const [first, last] = [measures[0]?.id, measures.at(-1)?.id];
  const [top, bottom] = [index.staves[0], index.staves.at(-1)];
  if (first === undefined || last === undefined || !top || !bottom) {
    return null;
  }
  const corner = (measure: string, { part, within }: typeof top): Corner => {
    return { ...wholeOf(index, measure, part), part, staff: within };
  };
  return { kind: "staves", from: corner(first, top), to: corner(last, bottom) };
}

function isOfLine(place: Place, { part, staff, voice }: Place): boolean {
  return place.part === part && place.staff === staff && place.voice === voice;
}

/** One end of a selection of staves to what begins next, or before. */
function grown(index: ScoreIndex, from: Corner, to: Corner, by: 1 | -1): Selection | null {
  const isForward = inTime(index, from, to) <= 0;
  const next =
    by > 0 && isForward ? following(index, to) : index.beside({ ...to, onset: to.begin }, by);
  return next && { kind: "staves", from, to: cornerOf(index, next) };
}

/** What begins first on a staff when a stretch of it is over. */
function following(index: ScoreIndex, corner: Corner): Place | null {
  for (let at: string | null = corner.measure; at !== null; at = index.measureAfter(at)) {
    const isHere = at === corner.measure;
    const [next] = index
      .inMeasure(at)
      .filter(({ part, staff }) => part === corner.part && staff === corner.staff)
      .filter(({ kind, onset }) => kind !== "grace" && !(isHere && isBefore(onset, corner.end)))
      .sort((a, b) => compareTimes(a.onset, b.onset));
    if (next) {
      return next;
    }
  }
  return null;
}

/** Where a selection began, and where it was led to; null for none. */
function cornersOf(index: ScoreIndex, selection: Selection): { from: Corner; to: Corner } | null {
  if (selection.kind === "staves") {
    return selection;
  }
  const selected = placesIn(index, selection);
  const end = (id: string | null, place: Place | undefined) =>
    (id === null ? null : index.place(id)) ?? place;
  const isRange = selection.kind === "things";
  const from = end(isRange ? selection.from : null, selected[0]);
  const to = end(isRange ? selection.to : null, selected.at(-1));
  return from && to ? { from: cornerOf(index, from), to: cornerOf(index, to) } : null;
}

function cornerOf(index: ScoreIndex, place: Place): Corner {
  const { part, staff, measure, onset } = place;
  // A grace note lasts as long as the note that it is before.
  const lasting = (place.kind === "grace" && index.at(spotOf(place))) || place;
  return { part, staff, measure, begin: onset, end: endOf(lasting) };
}

function wholeOf(
  index: ScoreIndex,
  measure: string,
  part: string,
): Pick<Corner, "measure" | "begin" | "end"> {
  return { measure, begin: ZERO_TIME, end: index.length(measure, part) };
}

function inTime(index: ScoreIndex, a: Corner, b: Corner): number {
  const ranks = index.measureIndex(a.measure) - index.measureIndex(b.measure);
  return ranks || compareTimes(a.begin, b.begin);
}

/** All that begins between two corners, on all staves from one to the other. */
function betweenCorners(index: ScoreIndex, a: Corner, b: Corner): readonly Place[] {
  const [first, last] = inTime(index, a, b) <= 0 ? [a, b] : [b, a];
  const staves = [a, b].map((corner) => index.staffIndex(corner));
  const [top, bottom] = [Math.min(...staves), Math.max(...staves)];
  const ranks = [first, last].map(({ measure }) => index.measureIndex(measure));
  const [from = -1, to = -1] = ranks;
  if (top < 0 || from < 0) {
    return [];
  }
  const isSame = first.measure === last.measure;
  const until = isSame && isBefore(last.end, first.end) ? first.end : last.end;
  const lines = new Map<string, { order: number; places: Place[] }>();
  for (const { id } of index.view.measures.slice(from, to + 1)) {
    for (const place of index.inMeasure(id)) {
      const row = index.staffIndex(place);
      const isEarly = id === first.measure && isBefore(place.onset, first.begin);
      const isLate = id === last.measure && !beginsIn(index, place, until);
      if (row < top || row > bottom || isEarly || isLate) continue;
      const key = `${row} ${place.voice}`;
      const line = lines.get(key) ?? { order: row * VOICES_MAX + place.voice, places: [] };
      lines.set(key, line);
      line.places.push(place);
    }
  }
  return [...lines.values()].sort((x, y) => x.order - y.order).flatMap(({ places }) => places);
}

/** Above all numbers of voices: staves come first. */
const VOICES_MAX = 1_000_000;

/** Grace notes at the end of a measure belong to it. */
function beginsIn(index: ScoreIndex, { kind, onset, measure, part }: Place, until: Rational) {
  const isAfterGrace = kind === "grace" && !isBefore(until, index.length(measure, part));
  return isAfterGrace ? !isBefore(until, onset) : isBefore(onset, until);
}

function isBefore(a: Rational, b: Rational): boolean {
  return compareTimes(a, b) < 0;
}

const SHOWN_MAX = 100;
const SHOWN_CHARS_MAX = 4_000;

/**
 * What others are shown of a selection, by ids; of one that is too large the ends on each staff, as
 * many as fit: what a page shows of itself is bounded.
 */
export function shownOf(places: readonly Place[]): readonly string[] {
  const ends = new Map<string, { first: Place; last: Place }>();
  for (const place of places.length > SHOWN_MAX ? places : []) {
    const key = `${place.part}/${place.staff}`;
    ends.set(key, { first: ends.get(key)?.first ?? place, last: place });
  }
  const shown =
    ends.size > 0 ? [...ends.values()].flatMap(({ first, last }) => [first, last]) : places;
  let left = SHOWN_CHARS_MAX;
  return shown
    .map((place) => place.events[0] ?? place.id)
    .slice(0, SHOWN_MAX)
    .filter((id) => {
      left -= id.length + 3;
      return left >= 0;
    });
}
