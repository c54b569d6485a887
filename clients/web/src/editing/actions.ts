import {
  addTimes,
  compareTimes,
  type Operation,
  type Rational,
  rational,
  subtractTimes,
  type Time,
  timeText,
  toNumber,
  type WrittenPitch,
  ZERO_TIME,
} from "bandpro-score";
import { asEntry, asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { alterAt, altered, height, middleOf, nearest, pitchOf, stepped } from "./pitches.ts";
import { endOf, type ScoreIndex, type Spot } from "./score-index.ts";

/** How long the next note will be. */
export interface NextValue {
  /** In quarter notes, without dots: 1, 2, 4, 1/2 ... */
  readonly quarters: number;
  readonly dots: number;
}

/** What was not done of what somebody asked for. */
export type Refused = "edit" | "much" | "bars" | "staves" | "tuplet";

/** What an action writes, and where the cursor is then. */
export interface Action {
  readonly operations: readonly Operation[];
  /** What it leaves undone. */
  readonly told?: Refused;
  /** A note to which the first new one is tied. */
  readonly tiesFrom?: string;
  readonly cursor?: Spot;
  /** The same, for what is known only when it is written. */
  readonly findCursor?: (index: ScoreIndex) => Spot | null;
  /** The first new note is selected then. */
  readonly selectsNew?: boolean;
  /** What did not fit in before the end of the score; it goes on in the measure that is added. */
  readonly onward?: { readonly pitch: WrittenPitch; readonly left: Rational };
}

export const NOTHING: Action = { operations: [] };
const BARS_CROSSED_MAX = 8;
const FINEST = 256;
/** Grace notes are written as eighths. */
const GRACE_TIME: Time = [1, 2];

export function timeOf({ numerator, denominator }: Rational): Time {
  return [Number(numerator), Number(denominator)];
}

export function durationOf({ quarters, dots }: NextValue): Rational {
  const length = quarters * (2 - 2 ** -dots);
  return rational(BigInt(Math.round(length * FINEST)), BigInt(FINEST));
}

export function spotOf(place: Place): Spot {
  const { part, staff, voice, measure, onset } = place;
  return { part, staff, voice, measure, onset };
}

/** A letter: another pitch for the selected notes, or a new note where there is none. */
export function enterStep(
  index: ScoreIndex,
  places: readonly Place[],
  step: string,
  value: NextValue,
): Action {
  const [first] = places;
  if (!first) {
    return NOTHING;
  }
  if (first.kind === "chord" || first.kind === "grace") {
    return {
      operations: targets(index, places).flatMap((place) => {
        const [id = ""] = place.events;
        const was = pitchOf(index.facets, id);
        const to = was ? height(was) : middleOf(index, spotOf(place));
        return [repitch(index, place, id, nearest(step, to))];
      }),
    };
  }
  const before = index.chordBeside(first, -1);
  const was = before && pitchOf(index.facets, before.events[0] ?? "");
  const found = nearest(step, was ? height(was) : middleOf(index, spotOf(first)));
  const pitch = { ...found, alter: alterAt(index, spotOf(first), found) };
  return write(index, first, pitch, durationOf(value));
}

function repitch(
  index: ScoreIndex,
  place: Place,
  event: string,
  found: { step: string; octave: number },
): Operation {
  return {
    op: "Repitch",
    event,
    pitch: { ...found, alter: alterAt(index, spotOf(place), found) },
  };
}

/** Writes a new note, over barlines as tied notes, and adds a measure at the end. */
export function write(
  index: ScoreIndex,
  place: Place,
  pitch: WrittenPitch,
  duration: Rational,
  tiesFrom?: string,
): Action {
  const operations: Operation[] = [];
  let left = duration;
  let isAtEnd = false;
  let spot = spotOf(place);
  for (const id of place.kind === "rest" ? place.events : []) {
    // The note takes the rest's place; what is left of the rest is empty time.
    operations.push({ op: "DeleteElements", elements: [id], with_spanners: true });
  }
  for (let bars = 0; left.numerator > 0n && bars < BARS_CROSSED_MAX; bars += 1) {
    const free = subtractTimes(index.freeUntil(spot), spot.onset);
    const taken = compareTimes(left, free) < 0 ? left : free;
    if (taken.numerator <= 0n) {
      break;
    }
    operations.push(...clearRests(index, spot, taken, operations));
    operations.push({
      op: "InsertNote",
      part: spot.part,
      measure: spot.measure,
      onset: timeOf(spot.onset),
      duration: timeOf(taken),
      pitch,
      voice: spot.voice,
      staff: spot.staff,
    });
    left = subtractTimes(left, taken);
    const end = addTimes(spot.onset, taken);
    const isFull = compareTimes(end, index.length(spot.measure, spot.part)) >= 0;
    const next = isFull ? index.measureAfter(spot.measure) : spot.measure;
    if (next === null) {
      operations.push({ op: "InsertMeasures", after: spot.measure });
      spot = { ...spot, onset: end };
      isAtEnd = true;
      break;
    }
    spot = { ...spot, measure: next, onset: isFull ? ZERO_TIME : end };
    if (!isFull) {
      break;
    }
  }
  return {
    operations,
    cursor: spot,
    ...(tiesFrom ? { tiesFrom } : {}),
    ...(isAtEnd && left.numerator > 0n ? { onward: { pitch, left } } : {}),
  };
}

/** Rests that a new note covers are deleted, for they would be covered for ever. */
function clearRests(
  index: ScoreIndex,
  spot: Spot,
  taken: Rational,
  operations: readonly Operation[],
): Operation[] {
  const gone = new Set(
    operations.flatMap((each) => (each.op === "DeleteElements" ? each.elements : [])),
  );
  const end = addTimes(spot.onset, taken);
  const covered = index
    .inMeasure(spot.measure)
    .filter(
      (place) =>
        place.kind === "rest" &&
        place.part === spot.part &&
        place.voice === spot.voice &&
        compareTimes(place.onset, end) < 0 &&
        compareTimes(spot.onset, endOf(place)) < 0,
    )
    .flatMap((place) => place.events)
    .filter((id) => !gone.has(id));
  return covered.length > 0
    ? [{ op: "DeleteElements", elements: covered, with_spanners: true }]
    : [];
}

/** A letter with Shift: one more note on the selected chord, above its highest. */
export function addToChord(index: ScoreIndex, places: readonly Place[], step: string): Action {
  const [place] = targets(index, places);
  const top = place && outermost(index, place, true);
  const [event] = place?.events ?? [];
  if (!place || !top || !event) {
    return NOTHING;
  }
  const found = nearest(step, height(top) + 4);
  const above = height(found) > height(top) ? found : { ...found, octave: found.octave + 1 };
  const pitch = { ...above, alter: alterAt(index, spotOf(place), above) };
  return { operations: [{ op: "InsertChordNote", event, pitch }] };
}

/** One more note for each selected chord, so many steps over its highest or under its lowest. */
export function addInterval(index: ScoreIndex, places: readonly Place[], steps: number): Action {
  const operations = targets(index, places).flatMap((place): Operation[] => {
    const outer = outermost(index, place, steps > 0);
    const [event] = place.events;
    if (!outer || event === undefined) {
      return [];
    }
    const found = stepped(outer, steps);
    const pitch = { ...found, alter: alterAt(index, spotOf(place), found) };
    return [{ op: "InsertChordNote", event, pitch }];
  });
  return { operations };
}

/** A grace note before the selected chord, a step over its highest note. */
export function addGrace(index: ScoreIndex, places: readonly Place[]): Action {
  const place = targets(index, places).find((each) => each.kind === "chord");
  const top = place && outermost(index, place, true);
  if (!place || !top) {
    return NOTHING;
  }
  const { part, staff, voice, measure } = place;
  // Behind those that are there: nearest to the note.
  const last = index
    .inMeasure(measure)
    .filter((each) => each.kind === "grace" && each.part === part)
    .filter((each) => each.voice === voice && compareTimes(each.onset, place.onset) === 0)
    .map((each) => entryOf(index.facets, "ev", each.events[0] ?? "")["grace"])
    .map((grace) => asText(asEntry(grace)?.["order"]))
    .sort()
    .at(-1);
  const found = stepped(top, 1);
  return {
    operations: [
      {
        ...{ op: "InsertNote", part, measure, voice, staff, grace: `${last ?? ""}a` },
        onset: timeOf(place.onset),
        duration: GRACE_TIME,
        pitch: { ...found, alter: alterAt(index, spotOf(place), found) },
      },
    ],
    selectsNew: true,
  };
}

function outermost(index: ScoreIndex, place: Place, isHighest: boolean): WrittenPitch | null {
  const pitches = place.events
    .map((id) => pitchOf(index.facets, id))
    .filter((pitch) => pitch !== null)
    .sort((a, b) => height(a) - height(b));
  return (isHighest ? pitches.at(-1) : pitches[0]) ?? null;
}

/** The selected notes; with the cursor on empty time, the note that was written before it. */
export function targets(index: ScoreIndex, places: readonly Place[]): readonly Place[] {
  const notes = places.filter((place) => place.kind === "chord" || place.kind === "grace");
  const [only] = places;
  if (notes.length > 0 || !only || places.length > 1) {
    return notes;
  }
  const before = index.chordBeside(only, -1);
  return before ? [before] : [];
}

/** Moves notes along the scale. */
export function moveSteps(index: ScoreIndex, places: readonly Place[], by: number): Action {
  return eachNote(index, places, (place, id, pitch) =>
    by % 7 === 0
      ? { op: "Repitch", event: id, pitch: { ...pitch, octave: pitch.octave + by / 7 } }
      : repitch(index, place, id, stepped(pitch, by)),
  );
}

/** Sharpens or flattens notes by a semitone; null makes them natural. */
export function alter(index: ScoreIndex, places: readonly Place[], by: number | null): Action {
  return eachNote(index, places, (_place, id, pitch) => {
    const found = altered(pitch, by ?? -(pitch.alter ?? 0));
    return found && { op: "Repitch", event: id, pitch: found };
  });
}

function eachNote(
  index: ScoreIndex,
  places: readonly Place[],
  change: (place: Place, id: string, pitch: WrittenPitch) => Operation | null,
): Action {
  const operations = targets(index, places).flatMap((place) =>
    place.events.flatMap((id) => {
      const pitch = pitchOf(index.facets, id);
      const operation = pitch && change(place, id, pitch);
      return operation ? [operation] : [];
    }),
  );
  return { operations };
}

/** Another duration for the selected notes and rests; they are cut where the next one begins. */
export function retime(index: ScoreIndex, places: readonly Place[], value: NextValue): Action {
  const covered = new Set<string>();
  // All that get one duration are one operation: each looks through all notes that there are.
  const byDuration = new Map<string, { duration: Time; events: string[] }>();
  for (const place of places) {
    const isGone = place.events.some((id) => covered.has(id));
    const duration = isGone ? null : lasting(index, place, durationOf(value));
    if (duration === null) continue;
    for (const id of restsBetween(index, place, addTimes(place.onset, duration))) covered.add(id);
    const key = timeText(duration);
    const same = byDuration.get(key) ?? { duration: timeOf(duration), events: [] };
    byDuration.set(key, same);
    same.events.push(...place.events);
  }
  const elements = [...covered];
  const operations: Operation[] = [...byDuration.values()].map((same) => ({
    op: "Retime",
    ...same,
  }));
  return {
    operations:
      elements.length > 0
        ? [{ op: "DeleteElements", elements, with_spanners: true }, ...operations]
        : operations,
  };
}

/** How long a note or rest lasts that is to last so long; null where that changes nothing. */
function lasting(index: ScoreIndex, place: Place, wanted: Rational): Rational | null {
  if (place.kind !== "chord" && place.kind !== "rest") {
    return null;
  }
  const next = index.neighbour(place, 1);
  const limit =
    next && next.measure === place.measure && next.kind === "chord"
      ? next.onset
      : place.kind === "chord"
        ? freeAfter(index, place)
        : endOf(place);
  const room = subtractTimes(limit, place.onset);
  const duration = compareTimes(wanted, room) <= 0 ? wanted : room;
  const isSame = compareTimes(duration, place.duration) === 0;
  return isSame || duration.numerator <= 0n ? null : duration;
}

function freeAfter(index: ScoreIndex, place: Place): Rational {
  return index.freeUntil({ ...spotOf(place), onset: endOf(place) });
}

function restsBetween(index: ScoreIndex, place: Place, end: Rational): string[] {
  const found: string[] = [];
  let next = index.neighbour(place, 1);
  while (next && next.measure === place.measure && compareTimes(next.onset, end) < 0) {
    if (next.kind === "rest") {
      found.push(...next.events);
    }
    next = index.neighbour(next, 1);
  }
  return found;
}

/** A rest as long as the next note, or the selected notes as rests. */
export function enterRest(index: ScoreIndex, places: readonly Place[], value: NextValue): Action {
  const [first] = places;
  if (!first) {
    return NOTHING;
  }
  if (places.length > 1 || first.kind === "chord") {
    return remove(places);
  }
  const spot = spotOf(first);
  const end = addTimes(spot.onset, durationOf(value));
  const free = index.freeUntil(spot);
  const until = compareTimes(end, free) < 0 ? end : free;
  const isFull = compareTimes(until, index.length(spot.measure, spot.part)) >= 0;
  const next = isFull ? index.measureAfter(spot.measure) : spot.measure;
  const insert: Operation = {
    op: "InsertRest",
    part: spot.part,
    measure: spot.measure,
    onset: timeOf(spot.onset),
    duration: timeOf(subtractTimes(until, spot.onset)),
    voice: spot.voice,
    staff: spot.staff,
  };
  const cursor = {
    ...spot,
    measure: next ?? spot.measure,
    onset: isFull ? ZERO_TIME : until,
  };
  return { operations: first.kind === "gap" ? [insert] : [], cursor };
}

/** Takes notes and rests away; their time stays empty. */
export function remove(places: readonly Place[]): Action {
  const elements = places.flatMap((place) => place.events);
  const [first] = places;
  if (elements.length === 0 || !first) {
    return NOTHING;
  }
  return {
    operations: [{ op: "DeleteElements", elements, with_spanners: true }],
    cursor: spotOf(first),
  };
}

/** The value of a note as the palette shows it. */
export function writtenAs(place: Place): NextValue | null {
  const length = toNumber(place.duration);
  for (const dots of [0, 1, 2]) {
    const quarters = length / (2 - 2 ** -dots);
    if (Number.isInteger(Math.log2(quarters))) {
      return { quarters, dots };
    }
  }
  return null;
}
