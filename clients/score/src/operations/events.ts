import { type Entry, integer, KEY_SEPARATOR, type ScoreEvent } from "../model.ts";
import { add, compare, divide, multiply, type Rational, rational, subtract } from "../rational.ts";
import { compareText } from "../sorting.ts";
import { passMarksOn } from "./articulations.ts";
import { asRational, type Draft, EditRefused, isZero, type Loose, writtenTime } from "./draft.ts";
import type {
  DeleteElements,
  InsertChordNote,
  InsertNote,
  InsertRest,
  MoveEvents,
  Repitch,
  Retime,
  SetLyric,
  Tuplet,
} from "./operations.ts";
import {
  cellOf,
  endOf,
  eventsIn,
  isNote,
  requireMeasure,
  requireNote,
  requirePart,
  requireRoom,
} from "./places.ts";
import { DOTS_MAX } from "./rules.ts";
import { pitchValue } from "./spelling.ts";
import { nominalDuration, ratioOf, writtenValue } from "./values.ts";

const TUPLET_EVENTS_MIN = 2;

/** Adds `ev` and `pt` of a new note. */
export function insertNote(draft: Draft, operation: InsertNote): void {
  const key = insert(draft, operation, operation.grace || null);
  draft.put("pt", key, pitchValue(operation.pitch));
}

/** Adds `ev` and `pt` of a new rest. */
export function insertRest(draft: Draft, operation: InsertRest): void {
  const key = insert(draft, operation, null);
  draft.put("pt", key, { rest: operation.fills_measure ? "measure" : "rest" });
}

/** Adds a note with the place and duration of another. */
export function insertChordNote(draft: Draft, operation: InsertChordNote): void {
  requireNote(draft, operation.event);
  const value = draft.find("ev", operation.event, "note or rest");
  const key = draft.newId();
  const chord = "chord" in value ? value["chord"] : operation.event;
  draft.put("ev", key, { ...value, chord });
  draft.put("pt", key, pitchValue(operation.pitch));
}

/** Changes where events are. */
export function moveEvents(draft: Draft, operation: MoveEvents): void {
  const { part = null, measure = null, voice = null, staff = null } = operation;
  if (part !== null) {
    requirePart(draft, part);
  }
  if (measure !== null) {
    requireMeasure(draft, measure);
  }
  const moved = operation.events.map((key) => {
    const event = draft.event(key);
    const onset = add(event.onset, asRational(operation.later_by ?? [0, 1]));
    writtenTime(onset);
    return {
      ...event,
      onset,
      measure: measure || event.measure,
      part: part || event.part,
      voice: voice ?? event.voice,
      staff: staff ?? event.staff,
    };
  });
  changeEvents(draft, moved);
}

/** Changes how long events last. */
export function retime(draft: Draft, operation: Retime): void {
  const duration = asRational(operation.duration);
  if (duration.numerator <= 0n) {
    throw new EditRefused("out-of-range", "A duration is above 0.", ...operation.events);
  }
  const events = operation.events.map((key) => draft.event(key));
  for (const event of events) {
    if (event.grace !== null) {
      throw new EditRefused("wrong-kind", "A grace note takes no time.", event.id);
    }
    const value = draft.find("ev", event.id, "note or rest");
    const nominal = divide(duration, tupletRatio(value, event.duration));
    draft.put("ev", event.id, { ...value, ...valueFields(nominal) });
  }
  changeEvents(
    draft,
    events.map((event) => ({ ...event, duration })),
  );
}

/** Shrinks durations and onsets, and adds the spanner that says so. */
export function makeTuplet(draft: Draft, operation: Tuplet): void {
  const { actual, normal } = operation;
  const events = operation.events
    .map((key) => draft.event(key))
    .sort((a, b) => compare(a.onset, b.onset) || compareText(a.id, b.id));
  const [first, last] = [events[0], events.at(-1)];
  if (events.length < TUPLET_EVENTS_MIN || !first || !last) {
    throw new EditRefused("wrong-kind", "A tuplet has two events or more.", ...operation.events);
  }
  if (new Set(events.map((event) => `${event.voice} ${cellOf(event)}`)).size > 1) {
    throw new EditRefused(
      "wrong-kind",
      "A tuplet is in one voice of one measure.",
      ...operation.events,
    );
  }
  if (Math.min(actual, normal) < 1) {
    throw new EditRefused("out-of-range", "A tuplet's numbers are above 0.", ...operation.events);
  }
  const ratio = rational(BigInt(normal), BigInt(actual));
  for (const event of events) {
    const value = draft.find("ev", event.id, "note or rest");
    if (!("type" in value)) {
      draft.put("ev", event.id, { ...value, ...valueFields(event.duration) });
    }
  }
  const shrunk = events.map((event) => ({
    ...event,
    onset: add(first.onset, multiply(subtract(event.onset, first.onset), ratio)),
    duration: multiply(event.duration, ratio),
  }));
  changeEvents(draft, shrunk);
  const line = { kind: "tuplet", start: first.id, end: last.id, actual, normal };
  draft.put("sp", draft.newId(), line);
}

/** Changes `pt` alone. */
export function repitch(draft: Draft, operation: Repitch): void {
  draft.find("ev", operation.event, "note or rest");
  draft.put("pt", operation.event, pitchValue(operation.pitch));
}

/** Sets or deletes one syllable. */
export function setLyric(draft: Draft, operation: SetLyric): void {
  const { event, text, verse = "1", syllabic = "single" } = operation;
  const key = `${event}${KEY_SEPARATOR}${verse}`;
  if (text === "") {
    draft.find("ly", key, "syllable");
    draft.drop("ly", key);
    return;
  }
  requireNote(draft, event);
  draft.put("ly", key, { text, syllabic, extend: operation.extends ? true : undefined });
}

/** Deletes events, spanners and directions. */
export function deleteElements(
  draft: Draft,
  { elements, with_spanners = false }: Omit<DeleteElements, "op">,
): void {
  const gone = new Set(elements);
  const unknown = elements.filter((key) =>
    ["ev", "sp", "dir"].every((facet) => !draft.has(facet, key)),
  );
  if (unknown.length > 0) {
    throw new EditRefused("unknown-element", "There is no such element.", ...unknown);
  }
  const losing: string[] = [];
  for (const [key, { start, end }] of draft.entries("sp")) {
    if ([start, end].some((each) => typeof each === "string" && gone.has(each))) {
      losing.push(key);
    }
  }
  const others = losing.filter((key) => !gone.has(key));
  if (!with_spanners && others.length > 0) {
    throw new EditRefused("dangling", "Spanners would lose an end.", ...others);
  }
  passMarksOn(draft, gone);
  leaveChords(draft, gone);
  draft.dropEvents(gone);
  const lines = [...gone, ...losing];
  for (const key of [...lines, ...signsAtEnds(draft, lines)]) {
    draft.drop("sp", key);
    draft.drop("dir", key);
  }
}

/** Puts events at new places, when there is room, and loosens chords that they leave. */
export function changeEvents(draft: Draft, events: readonly ScoreEvent[]): void {
  const former = new Map(events.map((event) => [event.id, draft.event(event.id)]));
  for (const event of events) {
    requirePart(draft, event.part);
    requireMeasure(draft, event.measure);
  }
  const ends = new Map<string, Rational>();
  for (const event of events) {
    const was = former.get(event.id);
    if (was && cellOf(was) === cellOf(event)) {
      ends.set(event.id, endOf(was));
    }
  }
  requireRoom(
    draft,
    events.filter((event) => isNote(draft, event.id)),
    ends,
  );
  for (const event of events) {
    const value = draft.find("ev", event.id, "note or rest");
    draft.put("ev", event.id, { ...value, ...placeFields(event) });
  }
  const touched = [...events, ...former.values()].map(cellOf);
  for (const inside of eventsIn(draft, touched).values()) {
    loosenChords(draft, inside);
  }
}

/** Type and dots, as far as the duration has them. */
export function valueFields(nominal: Rational): Loose {
  const written = writtenValue(nominal);
  return { type: written?.name, dots: written?.dots || undefined };
}

/** How much shorter an event is than it is written: 2/3 in a triplet. */
export function tupletRatio(value: Entry, duration: Rational): Rational {
  const { type: name, dots: counted = 0 } = value;
  const dots = integer(counted, 0, DOTS_MAX);
  const isWritten = typeof name === "string" && dots !== null;
  return ratioOf(duration, isWritten ? nominalDuration(name, dots) : null);
}

function insert(draft: Draft, operation: InsertNote | InsertRest, grace: string | null): string {
  const { part, measure, voice = 1, staff = 1 } = operation;
  const [onset, duration] = [asRational(operation.onset), asRational(operation.duration)];
  requirePart(draft, part);
  requireMeasure(draft, measure);
  writtenTime(onset);
  if (duration.numerator < 0n || (isZero(duration) && grace === null)) {
    throw new EditRefused("out-of-range", "A duration is above 0.");
  }
  const id = draft.newId();
  const event = { id, part, measure, isSpace: false, onset, duration, voice, staff, grace };
  requireRoom(draft, [event]);
  draft.put("ev", id, {
    kind: "note",
    ...placeFields(event),
    ...valueFields(duration),
    grace: grace === null ? undefined : { order: grace },
  });
  return id;
}

function placeFields({ part, measure, onset, duration, voice, staff }: ScoreEvent): Loose {
  return {
    part,
    measure,
    onset: writtenTime(onset),
    duration: writtenTime(duration),
    voice,
    staff,
  };
}

/** The directions at which lines begin and stop: without the line they say nothing. */
function signsAtEnds(draft: Draft, spanners: readonly string[]): string[] {
  const lines = spanners.map((key) => draft.get("sp", key) ?? {});
  return lines
    .flatMap(({ start, end }) => [start, end])
    .filter((key) => typeof key === "string")
    .filter((key) => draft.get("dir", key) !== null);
}

/** Gives the notes that share the stem of a note that goes another one to share. */
function leaveChords(draft: Draft, gone: ReadonlySet<string>): void {
  const left = new Map<string, string[]>();
  for (const [key, { chord: base }] of draft.entries("ev")) {
    if (typeof base === "string" && gone.has(base) && !gone.has(key)) {
      left.set(base, [...(left.get(base) ?? []), key]);
    }
  }
  // Entries come by id, so the first is the lowest.
  for (const mates of left.values()) {
    for (const key of mates) {
      const value = draft.find("ev", key, "note or rest");
      draft.put("ev", key, { ...value, chord: key === mates[0] ? undefined : mates[0] });
    }
  }
}

/** Lets notes that no longer begin and end with their chord be notes of their own. */
function loosenChords(draft: Draft, events: readonly ScoreEvent[]): void {
  const found = new Map(events.map((event) => [event.id, event]));
  for (const event of events) {
    const value = draft.find("ev", event.id, "note or rest");
    const base = value["chord"];
    if (typeof base === "string" && !isTogether(found.get(base), event)) {
      draft.put("ev", event.id, { ...value, chord: undefined });
    }
  }
}

function isTogether(one: ScoreEvent | undefined, other: ScoreEvent): boolean {
  return (
    one !== undefined &&
    one.voice === other.voice &&
    compare(one.onset, other.onset) === 0 &&
    compare(one.duration, other.duration) === 0
  );
}
