import { add, type Rational, rational, ZERO } from "./rational.ts";
import { compareText } from "./sorting.ts";

/**
 * A document as plain values: facet name to key to value. A facet may also be a `Map` or a `Y.Map`,
 * which is safer than `toJSON()` for keys such as `__proto__`.
 */
export type Facets = Readonly<Record<string, unknown>>;

/** Facet and key of one entry. */
export type Place = readonly [facet: string, key: string];

export const EVERY_PART = "*";
export const KEY_SEPARATOR = "|";

export const ATTRIBUTE_KINDS: ReadonlySet<string> = new Set([
  "time",
  "key",
  "clef",
  "barline",
  "tempo",
]);
export const STEP_SEMITONES: ReadonlyMap<string, number> = new Map([
  ["C", 0],
  ["D", 2],
  ["E", 4],
  ["F", 5],
  ["G", 7],
  ["A", 9],
  ["B", 11],
]);
export const ONSET = /^(0|[1-9][0-9]{0,15})\/([1-9][0-9]{0,15})$/;
const QUARTERS_IN_WHOLE = 4;
export const COUNT_MAX = 1024;
const STAVES_MAX = 99;
const OCTAVE_MAX = 99;
const ALTER_MAX = 99;
const GROUPS_MAX = 64;

export interface Part {
  readonly id: string;
  readonly order: string;
  readonly staves: number;
}

export interface Measure {
  readonly id: string;
  readonly order: string;
  /** Where it differs from the time signature. */
  readonly length: Rational | null;
  readonly isDeleted: boolean;
}

export interface ScoreEvent {
  readonly id: string;
  readonly part: string;
  readonly measure: string;
  readonly isSpace: boolean;
  readonly onset: Rational;
  readonly duration: Rational;
  readonly voice: number;
  readonly staff: number;
  /** Its place among the grace notes before one onset; null when it takes time. */
  readonly grace: string | null;
}

export interface Pitch {
  readonly rest: "" | "measure" | "rest";
  /** Above C0 as written; null when the entry does not say. */
  readonly semitones: number | null;
}

export interface Spanner {
  readonly id: string;
  readonly kind: string;
  readonly start: string;
  readonly end: string;
}

export interface Direction {
  readonly id: string;
  readonly part: string;
  readonly measure: string;
  readonly onset: Rational;
}

export interface Setting {
  readonly key: string;
  readonly kind: string;
  readonly measure: string;
  readonly part: string;
  readonly scope: string;
  /** The onset in the measure, or null at one of its edges. */
  readonly at: Rational | null;
  /** How long a measure is from there on, for a time signature; null without a metre. */
  readonly length: Rational | null;
}

/** What could be read of a document; parts and measures in the order of the score. */
export interface Score {
  readonly parts: ReadonlyMap<string, Part>;
  readonly measures: ReadonlyMap<string, Measure>;
  readonly events: ReadonlyMap<string, ScoreEvent>;
  readonly pitches: ReadonlyMap<string, Pitch>;
  readonly spanners: ReadonlyMap<string, Spanner>;
  readonly directions: ReadonlyMap<string, Direction>;
  readonly settings: ReadonlyMap<string, Setting>;
  /** Entries of `nx`, `ly` and `lay`, with the id that each belongs to. */
  readonly attached: readonly (readonly [Place, string])[];
  readonly unreadable: readonly Place[];
}

/** The value of one entry, an object of whatever members. */
export type Entry = Readonly<Record<string, unknown>>;

/** Reads all that a document says in the expected form; nothing throws. */
export function readScore(facets: Facets): Score {
  const unreadable: Place[] = [];
  const read = <T>(facet: string, reader: (key: string, value: Entry) => T | null) => {
    const found = new Map<string, T>();
    for (const [key, value] of entriesOf(facets[facet])) {
      const readValue = isObject(value) ? reader(key, value) : null;
      if (readValue === null) {
        unreadable.push([facet, key]);
      } else {
        found.set(key, readValue);
      }
    }
    return found;
  };
  return {
    parts: inOrder(read("parts", readPart)),
    measures: inOrder(read("measures", readMeasure)),
    events: read("ev", readEvent),
    pitches: read("pt", readPitch),
    spanners: read("sp", readSpanner),
    directions: read("dir", readDirection),
    settings: read("attr", readSetting),
    attached: ["nx", "ly", "lay"].flatMap((facet) =>
      [...read(facet, ownerOf)].map(([key, owner]) => [[facet, key], owner] as const),
    ),
    unreadable: unreadable.sort(comparePlaces),
  };
}

export function comparePlaces(a: Place, b: Place): number {
  return compareText(a[0], b[0]) || compareText(a[1], b[1]);
}

/** An integer between two, both included; null for anything else. */
export function integer(value: unknown, low: number, high: number): number | null {
  const whole = typeof value === "bigint" ? Number(value) : value;
  if (typeof whole !== "number" || !Number.isInteger(whole) || whole < low || whole > high) {
    return null;
  }
  return whole === 0 ? 0 : whole; // no negative zero
}

/** A time in quarter notes, `[numerator, denominator]`; null for anything else. */
export function time(value: unknown): Rational | null {
  if (!Array.isArray(value) || value.length !== 2) {
    return null;
  }
  const numerator = integer(value[0], 0, Number.MAX_SAFE_INTEGER);
  const denominator = integer(value[1], 1, Number.MAX_SAFE_INTEGER);
  return numerator === null || denominator === null
    ? null
    : rational(BigInt(numerator), BigInt(denominator));
}

/** The entries of a facet, whichever kind of map it is. */
export function entriesOf(facet: unknown): Iterable<[string, unknown]> {
  if (typeof facet !== "object" || facet === null) {
    return [];
  }
  if ("entries" in facet && typeof facet.entries === "function" && !Array.isArray(facet)) {
    return facet.entries() as Iterable<[string, unknown]>;
  }
  return isObject(facet) ? Object.entries(facet) : [];
}

export function isObject(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function inOrder<T extends { id: string; order: string }>(values: Map<string, T>): Map<string, T> {
  const sorted = [...values.values()].sort(
    (a, b) => compareText(a.order, b.order) || compareText(a.id, b.id),
  );
  return new Map(sorted.map((value) => [value.id, value]));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** What stands before a separator; all of it without one. */
export function before(value: string, separator: string): string {
  const at = value.indexOf(separator);
  return at < 0 ? value : value.slice(0, at);
}

function readPart(id: string, value: Entry): Part {
  return { id, order: text(value["order"]), staves: integer(value["staves"], 1, STAVES_MAX) ?? 1 };
}

function readMeasure(id: string, value: Entry): Measure {
  const length = time(value["length"]);
  return {
    id,
    order: text(value["order"]),
    length: length === null || length.numerator === 0n ? null : length,
    isDeleted: value["deleted"] === true,
  };
}

/** Reads one entry of `ev`; null when it does not say where or how long. */
export function readEvent(id: string, value: Entry): ScoreEvent | null {
  const { part, measure, grace } = value;
  const [onset, duration] = [time(value["onset"]), time(value["duration"])];
  if (typeof part !== "string" || typeof measure !== "string" || !onset || !duration) {
    return null;
  }
  const order = isObject(grace) ? text(grace["order"]) : null;
  return {
    id,
    part,
    measure,
    isSpace: value["kind"] === "space",
    onset,
    duration,
    voice: integer(value["voice"], 1, COUNT_MAX) ?? 1,
    staff: integer(value["staff"], 1, STAVES_MAX) ?? 1,
    // What lasts no time stands before an onset, as a grace note does.
    grace: order === null && duration.numerator === 0n ? "" : order,
  };
}

function readPitch(_id: string, value: Entry): Pitch {
  const { rest, alter = 0 } = value;
  if (typeof rest === "string") {
    return { rest: rest === "measure" ? "measure" : "rest", semitones: null };
  }
  const step = STEP_SEMITONES.get(text(value["step"]));
  const octave = integer(value["octave"], -OCTAVE_MAX, OCTAVE_MAX);
  const altered = typeof alter === "bigint" ? Number(alter) : alter;
  if (step === undefined || octave === null || typeof altered !== "number") {
    return { rest: "", semitones: null };
  }
  const isPitched = value["unpitched"] !== true && Math.abs(altered) <= ALTER_MAX;
  return { rest: "", semitones: isPitched ? 12 * octave + step + altered : null };
}

function readSpanner(id: string, value: Entry): Spanner | null {
  const { kind, start, end } = value;
  return typeof kind === "string" && typeof start === "string" && typeof end === "string"
    ? { id, kind, start, end }
    : null;
}

function readDirection(id: string, value: Entry): Direction | null {
  const { part, measure } = value;
  const onset = time(value["onset"]);
  return typeof part === "string" && typeof measure === "string" && onset
    ? { id, part, measure, onset }
    : null;
}

function readSetting(key: string, value: Entry): Setting | null {
  const [kind, measure, scope, place, ...more] = key.split(KEY_SEPARATOR);
  if (kind === undefined || measure === undefined || scope === undefined || place === undefined) {
    return null;
  }
  if (more.length > 0 || !ATTRIBUTE_KINDS.has(kind)) {
    return null;
  }
  const onset = ONSET.exec(place);
  if (!onset && !(kind === "barline" && (place === "left" || place === "right"))) {
    return null;
  }
  const length = kind === "time" ? timeLength(value) : ZERO;
  if (length === null) {
    return null;
  }
  return {
    key,
    kind,
    measure,
    part: scope === EVERY_PART ? EVERY_PART : before(scope, "/"),
    scope,
    at: onset ? rational(BigInt(onset[1] ?? 0), BigInt(onset[2] ?? 1)) : null,
    length: length.numerator === 0n ? null : length,
  };
}

/** Zero for music without metre, which has no beats; null when the entry does not say. */
function timeLength(value: Entry): Rational | null {
  const { plus = [] } = value;
  if (!Array.isArray(plus) || plus.length > GROUPS_MAX) {
    return null;
  }
  let length = groupLength(value);
  for (const group of plus) {
    const added = isObject(group) ? groupLength(group) : null;
    length = length && added && add(length, added);
  }
  return length;
}

function groupLength(value: Entry): Rational | null {
  const counts = value["beats"];
  const unit = integer(value["unit"], 1, COUNT_MAX);
  if (!Array.isArray(counts) || counts.length > GROUPS_MAX || unit === null) {
    return null;
  }
  let beats = 0;
  for (const item of counts) {
    const count = integer(item, 1, COUNT_MAX);
    if (count === null) {
      return null;
    }
    beats += count;
  }
  return rational(BigInt(QUARTERS_IN_WHOLE * beats), BigInt(unit));
}

function ownerOf(key: string, _value: Entry): string {
  return before(key, KEY_SEPARATOR);
}
