import {
  type Entry,
  EVERY_PART,
  type Measure,
  readEvent,
  readScore,
  type ScoreEvent,
  type Setting,
} from "../model.ts";
import { add, compare, later, type Rational, rational, ZERO } from "../rational.ts";
import { Settings } from "../settings.ts";
import { compareText } from "../sorting.ts";
import { type Draft, EditRefused, isZero } from "./draft.ts";
import { signatureFifths } from "./spelling.ts";

const UNMEASURED = rational(4n, 1n); // what an empty measure without any metre counts for

/** A measure that is not deleted. */
export interface Bar {
  readonly id: string;
  /** In quarter notes, for one part; null without a metre. */
  readonly length: Rational | null;
  /** The same by the metre alone, whatever the measure says of itself. */
  readonly usual: Rational | null;
  /** The key signature that holds at its start. */
  readonly fifths: number;
}

/** How long a measure is taken to be. */
export function extent(bar: Bar): Rational {
  return bar.length ?? UNMEASURED;
}

/** When an event ends, from the measure's start; a grace note takes no time. */
export function endOf(event: ScoreEvent): Rational {
  return event.grace === null ? add(event.onset, event.duration) : event.onset;
}

/** The measures that are there, in order, as one part has them. */
export function barsOf(draft: Draft, part: string = EVERY_PART): Bar[] {
  const score = readScore(draft.view("parts", "measures", "attr"));
  const settings = new Settings();
  const setIn = new Map<string, Setting[]>();
  for (const setting of score.settings.values()) {
    setIn.set(setting.measure, [...(setIn.get(setting.measure) ?? []), setting]);
  }
  const found: Bar[] = [];
  let fifths = 0;
  for (const measure of score.measures.values()) {
    const here = setIn.get(measure.id) ?? [];
    settings.enter(measure, here);
    const keys = keysOf(draft, here, part);
    for (const [at, value] of keys) {
      fifths = isZero(at) ? value : fifths;
    }
    if (!measure.isDeleted) {
      const length = settings.length(measure, part);
      found.push({ id: measure.id, length, usual: settings.metre(part), fifths });
    }
    fifths = keys.at(-1)?.[1] ?? fifths;
  }
  return found;
}

/** Key signatures of one measure by onset, those of the part itself behind those for all. */
function keysOf(draft: Draft, here: readonly Setting[], part: string): [Rational, number][] {
  const found: [Rational, number][] = [];
  const sorted = [...here].sort(
    (a, b) =>
      compare(a.at ?? ZERO, b.at ?? ZERO) ||
      Number(a.scope !== EVERY_PART) - Number(b.scope !== EVERY_PART),
  );
  for (const { kind, key, part: whose, at } of sorted) {
    if (kind === "key" && (whose === EVERY_PART || whose === part)) {
      const fifths = signatureFifths(draft.get("attr", key) ?? {});
      if (fifths !== null && at !== null) {
        found.push([at, fifths]);
      }
    }
  }
  return found;
}

/** Refuses what is for a part that is not there. */
export function requirePart(draft: Draft, part: string): void {
  draft.find("parts", part, "part");
}

/** Refuses what is for a measure that is not there, or is deleted. */
export function requireMeasure(draft: Draft, measure: string): void {
  if (draft.find("measures", measure, "measure")["deleted"] === true) {
    throw new EditRefused("deleted-measure", "The measure is deleted: restore it first.", measure);
  }
}

/** All measures, the deleted ones too. */
export function measuresInOrder(draft: Draft): Measure[] {
  return [...readScore(draft.view("measures")).measures.values()];
}

export function partsInOrder(draft: Draft): string[] {
  return [...readScore(draft.view("parts")).parts.keys()];
}

/** Whether an event sounds. */
export function isNote(draft: Draft, key: string): boolean {
  const pitch = draft.get("pt", key);
  return pitch !== null && !("rest" in pitch);
}

/** Refuses what is for notes alone. */
export function requireNote(draft: Draft, key: string): void {
  draft.find("ev", key, "note or rest");
  if (!isNote(draft, key)) {
    throw new EditRefused("wrong-kind", "That is no note.", key);
  }
}

/** Names a cell: a part in a measure. */
export function cellOf({ part, measure }: { part: string; measure: string }): string {
  return JSON.stringify([part, measure]);
}

function measureOf(cell: string): string {
  const [, measure]: [string, string] = JSON.parse(cell);
  return measure;
}

/** The events of some cells, in one pass over all that there are; by id in each cell. */
export function eventsIn(draft: Draft, cells: Iterable<string>): Map<string, ScoreEvent[]> {
  const found = new Map<string, ScoreEvent[]>([...cells].map((cell) => [cell, []]));
  // Most events are in other measures: their cells need not be named.
  const measures = new Set<unknown>([...found.keys()].map(measureOf));
  for (const [key, value] of draft.unsorted("ev")) {
    const isNear = measures.has(value["measure"]) && isInCell(value);
    const inside = isNear ? found.get(cellOf(value)) : undefined;
    const event = inside && readEvent(key, value);
    if (inside && event) {
      inside.push(event);
    }
  }
  for (const inside of found.values()) {
    inside.sort((a, b) => compareText(a.id, b.id));
  }
  return found;
}

function isInCell(value: Entry): value is Entry & { part: string; measure: string } {
  return typeof value["part"] === "string" && typeof value["measure"] === "string";
}

/**
 * Refuses notes that do not fit into their cells, or onto which another note falls.
 *
 * The draft is without the events, or has them at their former places; what already ends after its
 * measure (`formerEnds`) may go on doing so.
 */
export function requireRoom(
  draft: Draft,
  events: readonly ScoreEvent[],
  formerEnds: ReadonlyMap<string, Rational> = new Map(),
): void {
  const byCell = new Map<string, ScoreEvent[]>();
  for (const event of events) {
    const inside = byCell.get(cellOf(event)) ?? [];
    byCell.set(cellOf(event), inside);
    inside.push(event);
  }
  const lengths = new Map<string, Rational | null>();
  for (const part of [...new Set(events.map((event) => event.part))].sort(compareText)) {
    for (const bar of barsOf(draft, part)) {
      lengths.set(cellOf({ part, measure: bar.id }), bar.length);
    }
  }
  const own = new Set(events.map((event) => event.id));
  const present = eventsIn(draft, byCell.keys());
  for (const [cell, inside] of byCell) {
    requireLength(inside, lengths.get(cell) ?? null, formerEnds);
    const others = (present.get(cell) ?? []).filter(
      (other) => !own.has(other.id) && isNote(draft, other.id),
    );
    for (const event of inside) {
      const inTheWay = [...others, ...inside].filter((other) => collide(event, other));
      if (inTheWay.length > 0) {
        throw new EditRefused(
          "occupied",
          "Another note of the voice is there.",
          ...inTheWay.map((other) => other.id),
        );
      }
    }
  }
}

function requireLength(
  events: readonly ScoreEvent[],
  length: Rational | null,
  formerEnds: ReadonlyMap<string, Rational>,
): void {
  for (const event of length === null ? [] : events) {
    const latest = later(length as Rational, formerEnds.get(event.id) ?? event.onset);
    const isLate = compare(event.onset, latest) >= 0 && event.grace === null;
    if (compare(endOf(event), latest) > 0 || isLate) {
      throw new EditRefused("out-of-range", "It does not end within its measure.", event.id);
    }
  }
}

function collide(one: ScoreEvent, other: ScoreEvent): boolean {
  if (one.voice !== other.voice || one.grace !== null || other.grace !== null) {
    return false;
  }
  const [end, otherEnd] = [endOf(one), endOf(other)];
  if (compare(one.onset, other.onset) === 0 && compare(end, otherEnd) === 0) {
    return false;
  }
  return compare(one.onset, otherEnd) < 0 && compare(other.onset, end) < 0;
}
