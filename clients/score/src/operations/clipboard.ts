import {
  before,
  COUNT_MAX,
  type Facets,
  integer,
  KEY_SEPARATOR,
  readEvent,
  type ScoreEvent,
} from "../model.ts";
import { add, compare, later, type Rational, subtract, ZERO } from "../rational.ts";
import { compareText } from "../sorting.ts";
import { asRational, Draft, EditRefused } from "./draft.ts";
import { deleteElements } from "./events.ts";
import type { Clip, ClipEvent, Fields, Paste, Time } from "./operations.ts";
import {
  barsOf,
  isNote,
  partsInOrder,
  requireMeasure,
  requirePart,
  requireRoom,
} from "./places.ts";
import { lay, Timeline } from "./timeline.ts";

const PLACE_FIELDS: ReadonlySet<string> = new Set([
  "part",
  "measure",
  "onset",
  "duration",
  "chord",
]);

/** Copies events with their pitches, notations and lyrics, and the spanners between them. */
export function copy(facets: Facets, eventIds: readonly string[]): Clip {
  const draft = new Draft(facets, noIds);
  const [timeline, parts] = [Timeline.of(barsOf(draft)), partsInOrder(draft)];
  const placed = eventIds.map((key) => {
    const event = draft.event(key);
    requirePart(draft, event.part);
    requireMeasure(draft, event.measure);
    const start = timeline.start(event.measure) ?? ZERO;
    return { event, time: add(start, event.onset), part: parts.indexOf(event.part) };
  });
  placed.sort(
    (a, b) => compare(a.time, b.time) || a.part - b.part || compareText(a.event.id, b.event.id),
  );
  const begin = placed[0]?.time ?? ZERO;
  const top = Math.min(...placed.map(({ part }) => part));
  const selected = new Set(eventIds);
  const lyrics = lyricsOf(draft, selected);
  return {
    events: placed.map(({ event, time, part }) =>
      clipEvent(draft, event, subtract(time, begin), part - top, lyrics.get(event.id) ?? {}),
    ),
    spanners: [...draft.entries("sp")]
      .filter(([, { start, end }]) => [start, end].every((each) => selected.has(String(each))))
      .map(([key]) => draft.get("sp", key) ?? {}),
  };
}

/** Writes a clip into the score, under new ids. */
export function paste(draft: Draft, operation: Paste): void {
  const { clip, part, measure, replaces = false } = operation;
  const [timeline, parts] = [Timeline.of(barsOf(draft)), partsInOrder(draft)];
  requirePart(draft, part);
  requireMeasure(draft, measure);
  const begin = add(timeline.start(measure) ?? ZERO, asRational(operation.onset));
  const below = parts.slice(parts.indexOf(part));
  if (!clip.events.every((event) => below[event.part] !== undefined)) {
    throw new EditRefused("out-of-range", "There are not enough parts below.", part);
  }
  requireJoined(clip);
  if (replaces) {
    clear(draft, clip, timeline, begin, below);
  }
  const ids = new Map<string, readonly string[]>();
  for (const event of clip.events) {
    const value = { ...event.fields, part: below[event.part] };
    const spans = timeline.spans(add(begin, asRational(event.offset)), asRational(event.duration));
    const key = draft.newId();
    ids.set(event.id, lay(draft, key, value, event.pitch, spans));
    if (event.notation !== null) {
      draft.put("nx", key, event.notation);
    }
    for (const [verse, syllable] of Object.entries(event.lyrics)) {
      draft.put("ly", `${key}${KEY_SEPARATOR}${verse}`, syllable);
    }
  }
  for (const spanner of clip.spanners) {
    const isTie = spanner["kind"] === "tie";
    const start = ids.get(String(spanner["start"]))?.at(isTie ? -1 : 0);
    const end = ids.get(String(spanner["end"]))?.at(isTie ? 0 : -1);
    draft.put("sp", draft.newId(), { ...spanner, start, end });
  }
  const pasted = [...ids.values()].flat().filter((key) => isNote(draft, key));
  requireRoom(
    draft,
    pasted.map((key) => draft.event(key)),
  );
}

function clear(
  draft: Draft,
  clip: Clip,
  timeline: Timeline,
  begin: Rational,
  parts: readonly string[],
): void {
  const length = clip.events
    .map((event) => add(asRational(event.offset), asRational(event.duration)))
    .reduce((longest, each, at) => (at === 0 ? each : later(longest, each)), ZERO);
  const end = add(begin, length);
  const voices = new Set(
    clip.events.map(({ part, fields }) =>
      voiceOf(parts[part] ?? "", integer(fields["voice"], 1, COUNT_MAX) || 1),
    ),
  );
  const elements: string[] = [];
  for (const [key, value] of draft.entries("ev")) {
    const event = readEvent(key, value);
    const start = event && timeline.start(event.measure);
    if (event && start && voices.has(voiceOf(event.part, event.voice))) {
      const time = add(start, event.onset);
      if (compare(begin, time) <= 0 && compare(time, end) < 0) {
        elements.push(key);
      }
    }
  }
  deleteElements(draft, { elements, with_spanners: true });
}

/** Refuses a clip that nobody copied: ids that are there twice, or lines between others. */
function requireJoined(clip: Clip): void {
  const ids = new Set(clip.events.map((event) => event.id));
  const ends = clip.spanners.flatMap(({ start, end }) => [String(start), String(end)]);
  if (ids.size < clip.events.length || !ends.every((each) => ids.has(each))) {
    throw new EditRefused("malformed", "The clip does not hold together.");
  }
}

function voiceOf(part: string, voice: number): string {
  return `${voice} ${part}`;
}

function clipEvent(
  draft: Draft,
  event: ScoreEvent,
  offset: Rational,
  part: number,
  lyrics: { readonly [verse: string]: Fields },
): ClipEvent {
  const value = draft.find("ev", event.id, "note or rest");
  return {
    id: event.id,
    part,
    offset: asTime(offset),
    duration: asTime(event.grace === null ? event.duration : ZERO),
    fields: Object.fromEntries(Object.entries(value).filter(([name]) => !PLACE_FIELDS.has(name))),
    pitch: draft.get("pt", event.id),
    notation: draft.get("nx", event.id),
    lyrics,
  };
}

function lyricsOf(
  draft: Draft,
  eventIds: ReadonlySet<string>,
): ReadonlyMap<string, Record<string, Fields>> {
  const found = new Map<string, Record<string, Fields>>();
  for (const key of draft.keys("ly")) {
    const event = before(key, KEY_SEPARATOR);
    if (eventIds.has(event)) {
      const verses = found.get(event) ?? {};
      found.set(event, verses);
      verses[key.slice(event.length + 1)] = draft.get("ly", key) ?? {};
    }
  }
  return found;
}

function asTime(value: Rational): Time {
  return [Number(value.numerator), Number(value.denominator)];
}

function noIds(): string {
  throw new Error("no elements are made here");
}
