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
  /** For `nx`, `ly` and `lay`, by key: the id that an entry belongs to. */
  readonly owners: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly unreadable: readonly Place[];
}

/** The value of one entry, an object of whatever members. */
export type Entry = Readonly<Record<string, unknown>>;

/** Reads all that a document says in the expected form; nothing throws. */
export function readScore(facets: Facets): Score {
  return new ScoreReader(facets);
}

/** A score as it was read, and is read again where it changed. */
export class ScoreReader implements Score {
  readonly events = new Map<string, ScoreEvent>();
  readonly pitches = new Map<string, Pitch>();
  readonly spanners = new Map<string, Spanner>();
  readonly directions = new Map<string, Direction>();
  readonly settings = new Map<string, Setting>();
  readonly owners: ReadonlyMap<string, Map<string, string>>;
  readonly #facets: Facets;
  readonly #readers: ReadonlyMap<string, (key: string, value: Entry | null) => boolean>;
  readonly #parts = new Map<string, Part>();
  readonly #measures = new Map<string, Measure>();
  readonly #unreadable = new Map<string, Map<string, Place>>();
  #partsInOrder: ReadonlyMap<string, Part> | null = null;
  #measuresInOrder: ReadonlyMap<string, Measure> | null = null;

  constructor(facets: Facets) {
    this.#facets = facets;
    this.owners = new Map(["nx", "ly", "lay"].map((facet) => [facet, new Map<string, string>()]));
    this.#readers = new Map([
      ["parts", into(this.#parts, readPart)],
      ["measures", into(this.#measures, readMeasure)],
      ["ev", into(this.events, readEvent)],
      ["pt", into(this.pitches, readPitch)],
      ["sp", into(this.spanners, readSpanner)],
      ["dir", into(this.directions, readDirection)],
      ["attr", into(this.settings, readSetting)],
      ...[...this.owners].map(([facet, owners]) => [facet, into(owners, ownerOf)] as const),
    ]);
    for (const facet of this.#readers.keys()) {
      for (const [key, value] of entriesOf(facets[facet])) {
        this.#read(facet, key, [value]);
      }
    }
  }

  get parts(): ReadonlyMap<string, Part> {
    this.#partsInOrder ??= inOrder(this.#parts);
    return this.#partsInOrder;
  }

  get measures(): ReadonlyMap<string, Measure> {
    this.#measuresInOrder ??= inOrder(this.#measures);
    return this.#measuresInOrder;
  }

  get unreadable(): readonly Place[] {
    return [...this.#unreadable.values()]
      .flatMap((places) => [...places.values()])
      .sort(comparePlaces);
  }

  /** Reads an entry again: it was set or deleted. */
  readAgain(facet: string, key: string): void {
    this.#read(facet, key, entryIn(this.#facets[facet], key));
  }

  #read(facet: string, key: string, entry: readonly [unknown] | null): void {
    const [value] = entry ?? [];
    const isRead = this.#readers.get(facet)?.(key, isObject(value) ? value : null) ?? true;
    const unreadable = this.#unreadable.get(facet) ?? new Map<string, Place>();
    this.#unreadable.set(facet, unreadable);
    if (isRead || entry === null) {
      unreadable.delete(key);
    } else {
      unreadable.set(key, [facet, key]);
    }
    if (facet === "parts") {
      this.#partsInOrder = null;
    } else if (facet === "measures") {
      this.#measuresInOrder = null;
    }
  }
}

/** Reads entries into a map; tells whether one could be read, and takes it out if not. */
function into<T>(map: Map<string, T>, reader: (key: string, value: Entry) => T | null) {
  return (key: string, value: Entry | null): boolean => {
    const read = value === null ? null : reader(key, value);
    if (read === null) {
      map.delete(key);
      return false;
    }
    map.set(key, read);
    return true;
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

/** One entry of a facet, whichever kind of map it is; null when there is none. */
export function entryIn(facet: unknown, key: string): readonly [unknown] | null {
  if (typeof facet !== "object" || facet === null) {
    return null;
  }
  if ("has" in facet && typeof facet.has === "function" && "get" in facet) {
    const get = facet.get as (key: string) => unknown;
    return facet.has(key) ? [get.call(facet, key)] : null;
  }
  return isObject(facet) && Object.hasOwn(facet, key) ? [facet[key]] : null;
}

export function isObject(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function inOrder<T extends { id: string; order: string }>(
  values: ReadonlyMap<string, T>,
): ReadonlyMap<string, T> {
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
