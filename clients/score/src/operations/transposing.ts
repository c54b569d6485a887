import { EVERY_PART, readEvent, readScore, type ScoreEvent } from "../model.ts";
import { compare } from "../rational.ts";
import { compareText } from "../sorting.ts";
import { type Draft, EditRefused } from "./draft.ts";
import { fittingInterval, signatureAlter, transposePitch } from "./intervals.ts";
import { attributeKey } from "./lines.ts";
import type { Interval, TransposeEvents, TransposeParts } from "./operations.ts";
import { barsOf, cellOf, eventsIn, isNote, partsInOrder, requirePart } from "./places.ts";
import { OCTAVE_MAX, OCTAVE_MIN } from "./rules.ts";
import { movedSignature, pitchValue, spelledPitch } from "./spelling.ts";

const SIGNS: ReadonlyMap<number, string> = new Map([
  [-2, "flat-flat"],
  [-1.5, "three-quarters-flat"],
  [-1, "flat"],
  [-0.5, "quarter-flat"],
  [0, "natural"],
  [0.5, "quarter-sharp"],
  [1, "sharp"],
  [1.5, "three-quarters-sharp"],
  [2, "double-sharp"],
]);

/** Moves some notes; rests among them are passed over. */
export function transposeEvents(draft: Draft, { events, interval }: TransposeEvents): void {
  const moved = events.map((key) => draft.event(key)).filter(({ id }) => isNote(draft, id));
  for (const { id } of moved) {
    transpose(draft, id, interval);
  }
  writeAccidentals(draft, moved);
}

/** Moves all notes of parts, and their keys, spelled so that no key has over seven signs. */
export function transposeParts(draft: Draft, operation: TransposeParts): void {
  const { interval } = operation;
  const everybody = partsInOrder(draft);
  const parts = operation.parts ?? everybody;
  for (const part of parts) {
    requirePart(draft, part);
  }
  const intervals = new Map<string, Interval>();
  for (const part of parts) {
    for (const bar of barsOf(draft, part)) {
      const cell = cellOf({ part, measure: bar.id });
      intervals.set(cell, fittingInterval(bar.fifths, interval));
    }
  }
  const whose = new Set(parts);
  const moved: ScoreEvent[] = [];
  for (const [key, value] of draft.entries("ev")) {
    const event = readEvent(key, value);
    if (event !== null && whose.has(event.part) && isNote(draft, key)) {
      // What is in a deleted measure moves as well, so that it fits when it comes back.
      transpose(draft, key, intervals.get(cellOf(event)) ?? interval);
      moved.push(event);
    }
  }
  const isAll = whose.size === everybody.length && everybody.every((part) => whose.has(part));
  transposeKeys(draft, isAll ? null : parts, interval);
  writeAccidentals(draft, moved);
}

function transpose(draft: Draft, key: string, interval: Interval): void {
  const value = draft.find("pt", key, "pitch");
  if (value["unpitched"] === true) {
    return;
  }
  const pitch = spelledPitch(value);
  if (pitch === null) {
    throw new EditRefused("malformed", "The note's pitch is none.", key);
  }
  const moved = transposePitch(pitch, interval);
  if (moved.octave < OCTAVE_MIN || moved.octave > OCTAVE_MAX) {
    throw new EditRefused("out-of-range", "There is no such octave.", key);
  }
  draft.put("pt", key, { ...value, ...pitchValue(moved) });
}

/** Moves key signatures; those for all parts stay for the others when only some parts move. */
function transposeKeys(draft: Draft, parts: readonly string[] | null, interval: Interval): void {
  for (const setting of readScore(draft.view("attr")).settings.values()) {
    const { kind, key, at } = setting;
    const moved =
      kind === "key" && at !== null
        ? movedSignature(draft.find("attr", key, "setting"), interval)
        : null;
    if (moved === null || at === null) {
      continue;
    }
    if (parts === null || parts.includes(setting.part)) {
      draft.put("attr", key, moved);
    } else if (setting.scope === EVERY_PART) {
      for (const part of parts) {
        const own = attributeKey("key", setting.measure, part, at);
        if (draft.get("attr", own) === null) {
          draft.put("attr", own, moved);
        }
      }
    }
  }
}

/** Prints the signs that the moved notes need where they are now, and no others. */
function writeAccidentals(draft: Draft, moved: readonly ScoreEvent[]): void {
  const touched = new Set(moved.map((event) => event.id));
  const fifths = new Map<string, number>();
  for (const part of new Set(moved.map((event) => event.part))) {
    for (const bar of barsOf(draft, part)) {
      fifths.set(cellOf({ part, measure: bar.id }), bar.fifths);
    }
  }
  for (const [cell, events] of eventsIn(draft, moved.map(cellOf))) {
    const inForce = new Map<string, number>();
    events.sort(
      (a, b) =>
        compare(a.onset, b.onset) ||
        Number(a.grace === null) - Number(b.grace === null) ||
        compareText(a.id, b.id),
    );
    for (const event of events) {
      const value = draft.get("pt", event.id) ?? {};
      const pitch = spelledPitch(value);
      if (pitch === null) {
        continue;
      }
      const place = `${event.staff} ${pitch.step} ${pitch.octave}`;
      const signature = signatureAlter(pitch.step, fifths.get(cell) ?? 0);
      const isNeeded = pitch.alter !== (inForce.get(place) ?? signature);
      inForce.set(place, pitch.alter);
      if (touched.has(event.id)) {
        const accidental = isNeeded ? SIGNS.get(pitch.alter) : undefined;
        draft.put("pt", event.id, { ...value, accidental });
      }
    }
  }
}
