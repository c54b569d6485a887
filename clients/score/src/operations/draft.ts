import {
  before,
  comparePlaces,
  type Entry,
  entriesOf,
  entryIn,
  type Facets,
  isObject,
  KEY_SEPARATOR,
  type Place,
  readEvent,
  type ScoreEvent,
} from "../model.ts";
import { add, multiply, type Rational, rational, ZERO } from "../rational.ts";
import { compareText } from "../sorting.ts";
import type { Fields, Json, Time } from "./operations.ts";

/** Gives an id that no element of the score has, with each call. */
export type NewIds = () => string;

export type RefusalCode =
  | "unknown-element"
  | "out-of-range"
  | "occupied"
  | "dangling"
  | "deleted-measure"
  | "wrong-kind"
  | "malformed"
  | "no-room";

/** An edit that the score does not allow as it is now; nothing was changed. */
export class EditRefused extends Error {
  readonly code: RefusalCode;
  /** The elements concerned, or the keys of settings. */
  readonly elementIds: readonly string[];

  constructor(code: RefusalCode, message: string, ...elementIds: string[]) {
    super(message);
    this.name = "EditRefused";
    this.code = code;
    this.elementIds = elementIds;
  }
}

/** Entries to set, and to delete, by facet and key. */
export interface Changes {
  /** Of `meta` text, of all others objects. */
  readonly sets: readonly (readonly [facet: string, key: string, value: Fields | string])[];
  readonly deletes: readonly Place[];
}

/** What an entry is set to; members that are null or undefined are left out. */
export type Loose = Readonly<Record<string, Json | undefined>>;

type Value = Record<string, Json>;
type Written = Value | string | null;

/** The score as it would be, while an operation is worked out; the facets are never changed. */
export class Draft {
  readonly #facets: Facets;
  readonly #sorted = new Map<string, readonly string[]>();
  readonly #written = new Map<string, Map<string, Written>>();
  readonly newId: NewIds;

  constructor(facets: Facets, newIds: NewIds) {
    this.#facets = facets;
    this.newId = newIds;
  }

  /** Reads one entry, a copy; null if there is no object. */
  get(facet: string, key: string): Value | null {
    const written = this.#written.get(facet)?.get(key);
    if (written !== undefined) {
      return isObject(written) ? { ...written } : null;
    }
    const value = this.#present(facet, key);
    return isObject(value) ? (plain(value) as Value) : null;
  }

  /** Whether there is an entry that says anything. */
  has(facet: string, key: string): boolean {
    const value = this.get(facet, key);
    return value !== null && Object.keys(value).length > 0;
  }

  /** Reads one entry that the operation needs. */
  find(facet: string, key: string, what: string): Value {
    const value = this.get(facet, key);
    if (value === null) {
      throw new EditRefused("unknown-element", `There is no such ${what}.`, key);
    }
    return value;
  }

  /** Reads one event that the operation needs. */
  event(key: string): ScoreEvent {
    const event = readEvent(key, this.find("ev", key, "note or rest"));
    if (event === null) {
      throw new EditRefused("malformed", "The event does not say where or how long it is.", key);
    }
    return event;
  }

  /** All keys of a facet that there would be, sorted: plans follow no other order. */
  keys(facet: string): readonly string[] {
    const known = this.#sorted.get(facet) ?? keysOf(this.#facets[facet]).sort(compareText);
    this.#sorted.set(facet, known);
    const written = this.#written.get(facet);
    if (!written) {
      return known;
    }
    const kept = known.filter((key) => written.get(key) !== null);
    const added = [...written].filter(([key, value]) => value !== null && !this.#has(facet, key));
    return added.length > 0 ? [...kept, ...added.map(([key]) => key)].sort(compareText) : kept;
  }

  /** Goes through a facet's entries; what is no object is left out. */
  *entries(facet: string): Generator<[key: string, value: Entry]> {
    for (const key of this.keys(facet)) {
      const written = this.#written.get(facet)?.get(key);
      const value = written === undefined ? this.#present(facet, key) : written;
      if (isObject(value)) {
        yield [key, value];
      }
    }
  }

  /** The same in any order: sorting the notes of a long score takes longer than reading them. */
  *unsorted(facet: string): Generator<[key: string, value: Entry]> {
    const written = this.#written.get(facet);
    for (const [key, value] of entriesOf(this.#facets[facet])) {
      if (isObject(value) && !written?.has(key)) {
        yield [key, value];
      }
    }
    for (const [key, value] of written ?? []) {
      if (isObject(value)) {
        yield [key, value];
      }
    }
  }

  /** Sets an entry. */
  put(facet: string, key: string, value: Loose): void {
    const kept: Value = {};
    for (const [name, field] of Object.entries(value)) {
      if (field !== null && field !== undefined) {
        kept[name] = field;
      }
    }
    this.#writtenIn(facet).set(key, kept);
  }

  /** Sets an entry of `meta`, whose values are plain text. */
  putText(key: string, text: string): void {
    this.#writtenIn("meta").set(key, text);
  }

  /** Deletes an entry, if it is there. */
  drop(facet: string, key: string): void {
    this.#writtenIn(facet).set(key, null);
  }

  /** Deletes events with all that belongs to them; spanners are the caller's concern. */
  dropEvents(keys: ReadonlySet<string>): void {
    for (const facet of ["ev", "pt", "nx"]) {
      for (const key of this.keys(facet).filter((each) => keys.has(each))) {
        this.drop(facet, key);
      }
    }
    for (const key of this.keys("ly").filter((each) => keys.has(before(each, KEY_SEPARATOR)))) {
      this.drop("ly", key);
    }
  }

  /** What differs from the facets that the draft began with, in order of facet and key. */
  changes(): Changes {
    const sets: [string, string, Fields | string][] = [];
    const deletes: Place[] = [];
    for (const [facet, entries] of this.#written) {
      for (const [key, value] of entries) {
        if (value === null) {
          if (this.#has(facet, key)) {
            deletes.push([facet, key]);
          }
        } else if (!isEqual(plain(this.#present(facet, key)), value)) {
          sets.push([facet, key, value]);
        }
      }
    }
    return {
      sets: sets.sort((a, b) => comparePlaces([a[0], a[1]], [b[0], b[1]])),
      deletes: deletes.sort(comparePlaces),
    };
  }

  /** Reads whole facets, as the draft has them. */
  view(...names: string[]): Facets {
    return Object.fromEntries(names.map((name) => [name, new Map(this.entries(name))]));
  }

  #has(facet: string, key: string): boolean {
    return entryIn(this.#facets[facet], key) !== null;
  }

  /** What the facets have; undefined where they have nothing. */
  #present(facet: string, key: string): unknown {
    return entryIn(this.#facets[facet], key)?.[0];
  }

  #writtenIn(facet: string): Map<string, Written> {
    const written = this.#written.get(facet) ?? new Map<string, Written>();
    this.#written.set(facet, written);
    return written;
  }
}

function keysOf(facet: unknown): string[] {
  return [...entriesOf(facet)].map(([key]) => key);
}

/** A time as an operation says it; may be negative. */
export function asRational([numerator, denominator]: Time): Rational {
  return rational(BigInt(numerator), BigInt(denominator));
}

/** A time as the document holds it. */
export function writtenTime(value: Rational): Json {
  if (value.numerator < 0n) {
    throw new EditRefused("out-of-range", "Times are not negative.");
  }
  return [Number(value.numerator), Number(value.denominator)];
}

export function isZero(value: Rational): boolean {
  return value.numerator === 0n;
}

export function sum(values: Iterable<Rational>): Rational {
  let total = ZERO;
  for (const value of values) {
    total = add(total, value);
  }
  return total;
}

/** Twice a value minus a part of it: what dots make of a duration. */
export function scaled(value: Rational, numerator: bigint, denominator: bigint): Rational {
  return multiply(value, rational(numerator, denominator));
}

/** A value of the document as JSON: a copy, in which big integers are numbers. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
  }
  return typeof value === "bigint" ? Number(value) : value;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, at) => isEqual(each, other[at]));
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && isEqual(one[name], other[name]))
    );
  }
  return one === other;
}
