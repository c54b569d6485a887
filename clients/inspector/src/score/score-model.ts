import {
  hasFermata,
  isRest,
  readEvent,
  readMeasure,
  readPart,
  readSignature,
  readSyllable,
  readTempo,
  text,
} from "./facet-values.ts";
import { heightOf, type Pitch, pitchOf } from "./pitch.ts";

/** Where the model reads from: the facets of a document, or a table in a test. */
export interface Facets {
  get(facet: string, key: string): unknown;
  entries(facet: string): Iterable<[key: string, value: unknown]>;
}

/** A note or rest on the strip. Replaced, never changed, when any of its facets changes. */
export interface StripNote {
  id: string;
  part: string;
  measure: string;
  /** In quarter notes from the start of the measure. */
  onset: number;
  duration: number;
  voice: number;
  pitch: Pitch | null;
  rest: boolean;
  fermata: boolean;
  syllable: string | null;
}

export interface StripMeasure {
  id: string;
  number: string;
  /** In quarter notes. */
  length: number;
  fifths: number;
  /** Shown where the time signature changes: "4/4". */
  time: string | null;
}

export interface StripPart {
  id: string;
  name: string;
  /** The highest and lowest written pitch, as heights of `pitch.ts`. */
  highest: number;
  lowest: number;
  hasText: boolean;
}

const DEFAULT_LENGTH = 4;
const DEFAULT_TEMPO = 72;
const MIDDLE_C_HEIGHT = 28;
const VERSE_SEPARATOR = "|";

/**
 * The part of a score that the strip shows, kept up to date entry by entry: an edit of one note
 * in a score of many thousands touches that note and its cell.
 */
export class ScoreModel {
  readonly #facets: Facets;
  readonly #notes = new Map<string, StripNote>();
  readonly #cells = new Map<string, Map<string, StripNote>>();
  readonly #sorted = new Map<string, readonly StripNote[]>();
  readonly #syllables = new Map<string, string>();
  #measures: readonly StripMeasure[] = [];
  #parts: readonly StripPart[] = [];
  #measuresStale = true;
  #partsStale = true;

  constructor(facets: Facets) {
    this.#facets = facets;
    this.rebuild();
  }

  /** The measures in order; the same array until one of them changes. */
  get measures(): readonly StripMeasure[] {
    if (this.#measuresStale) this.#measures = this.#readMeasures();
    this.#measuresStale = false;
    return this.#measures;
  }

  /** The parts in order, with the range of their notes. */
  get parts(): readonly StripPart[] {
    if (this.#partsStale) this.#parts = this.#readParts();
    this.#partsStale = false;
    return this.#parts;
  }

  get noteCount(): number {
    return this.#notes.size;
  }

  note(id: string): StripNote | undefined {
    return this.#notes.get(id);
  }

  /** The notes of one part in one measure by onset, then height; the same array until changed. */
  cell(part: string, measure: string): readonly StripNote[] {
    const key = cellKey(part, measure);
    const known = this.#sorted.get(key);
    if (known !== undefined) return known;
    const notes = Array.from(this.#cells.get(key)?.values() ?? []).sort(byPlace);
    this.#sorted.set(key, notes);
    return notes;
  }

  meta(key: string): string | null {
    return text(this.#facets.get("meta", key));
  }

  /** The first tempo that is written, in quarter notes a minute; 72 when there is none. */
  tempo(): number {
    for (const [key, value] of this.#facets.entries("attr")) {
      const tempo = readTempo(key, value);
      if (tempo !== null) return tempo;
    }
    return DEFAULT_TEMPO;
  }

  /** Takes in which keys of a facet have changed. */
  changed(facet: string, keys: Iterable<string>): void {
    if (facet === "ev" || facet === "pt" || facet === "nx") {
      for (const key of keys) this.#refreshNote(key);
    } else if (facet === "ly") {
      for (const key of keys) {
        const id = this.#readSyllable(key);
        if (id !== null) this.#refreshNote(id);
      }
    }
    if (facet === "measures" || facet === "attr") this.#measuresStale = true;
    else if (facet !== "meta") this.#partsStale = true;
  }

  /** Reads everything anew. */
  rebuild(): void {
    this.#notes.clear();
    this.#cells.clear();
    this.#sorted.clear();
    this.#syllables.clear();
    for (const [key] of this.#facets.entries("ly")) this.#readSyllable(key);
    for (const [id] of this.#facets.entries("ev")) this.#refreshNote(id);
    this.#measuresStale = true;
    this.#partsStale = true;
  }

  #refreshNote(id: string): void {
    const before = this.#notes.get(id);
    const after = this.#readNote(id);
    if (before !== undefined) {
      const key = cellKey(before.part, before.measure);
      this.#cells.get(key)?.delete(id);
      this.#sorted.delete(key);
    }
    if (after === null) {
      this.#notes.delete(id);
      return;
    }
    this.#notes.set(id, after);
    const key = cellKey(after.part, after.measure);
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, new Map([[id, after]]));
    else cell.set(id, after);
    this.#sorted.delete(key);
  }

  #readNote(id: string): StripNote | null {
    const event = readEvent(this.#facets.get("ev", id));
    if (event === null || event.grace || event.space) return null;
    const written = this.#facets.get("pt", id);
    const pitch = pitchOf(written);
    const rest = isRest(written);
    if (pitch === null && !rest) return null;
    return {
      id,
      part: event.part,
      measure: event.measure,
      onset: event.onset,
      duration: event.duration,
      voice: event.voice,
      pitch,
      rest,
      fermata: hasFermata(this.#facets.get("nx", id)),
      syllable: this.#syllables.get(id) ?? null,
    };
  }

  /** Reads one entry of `ly`, the first verse only; returns the id of its note. */
  #readSyllable(key: string): string | null {
    const [id, verse] = key.split(VERSE_SEPARATOR);
    if (id === undefined || verse !== "1") return null;
    const syllable = readSyllable(this.#facets.get("ly", key));
    if (syllable === null) this.#syllables.delete(id);
    else this.#syllables.set(id, syllable);
    return id;
  }

  #readMeasures(): StripMeasure[] {
    const times = new Map<string, { length: number; label: string }>();
    const keys = new Map<string, number>();
    for (const [key, value] of this.#facets.entries("attr")) {
      const signature = readSignature(key, value);
      if (signature?.kind === "time") times.set(signature.measure, signature);
      if (signature?.kind === "key") keys.set(signature.measure, signature.fifths);
    }
    const ordered = readAll(this.#facets.entries("measures"), readMeasure)
      .filter(({ value }) => !value.deleted)
      .sort(byOrder);
    let length = DEFAULT_LENGTH;
    let fifths = 0;
    return ordered.map(({ id, value }) => {
      const time = times.get(id);
      length = time?.length ?? length;
      fifths = keys.get(id) ?? fifths;
      return {
        id,
        number: value.number,
        length: value.length ?? length,
        fifths,
        time: time?.label ?? null,
      };
    });
  }

  #readParts(): StripPart[] {
    const ranges = new Map<string, { highest: number; lowest: number; hasText: boolean }>();
    for (const note of this.#notes.values()) {
      const height = note.pitch === null ? null : heightOf(note.pitch);
      if (height === null) continue;
      const range = ranges.get(note.part);
      if (range === undefined) {
        ranges.set(note.part, {
          highest: height,
          lowest: height,
          hasText: note.syllable !== null,
        });
        continue;
      }
      range.highest = Math.max(range.highest, height);
      range.lowest = Math.min(range.lowest, height);
      range.hasText ||= note.syllable !== null;
    }
    return readAll(this.#facets.entries("parts"), readPart)
      .sort(byOrder)
      .map(({ id, value }) => ({
        id,
        name: value.name === "" ? id : value.name,
        highest: ranges.get(id)?.highest ?? MIDDLE_C_HEIGHT,
        lowest: ranges.get(id)?.lowest ?? MIDDLE_C_HEIGHT,
        hasText: ranges.get(id)?.hasText ?? false,
      }));
  }
}

function cellKey(part: string, measure: string): string {
  return `${part}\u0000${measure}`;
}

function readAll<V>(
  entries: Iterable<[string, unknown]>,
  read: (value: unknown) => V | null,
): Array<{ id: string; value: V }> {
  const result: Array<{ id: string; value: V }> = [];
  for (const [id, raw] of entries) {
    const value = read(raw);
    if (value !== null) result.push({ id, value });
  }
  return result;
}

interface Ordered {
  id: string;
  value: { order: string };
}

/** Fractional indices sort by code unit; the id decides between equal ones, as everywhere. */
function byOrder(a: Ordered, b: Ordered): number {
  return compare(a.value.order, b.value.order) || compare(a.id, b.id);
}

function byPlace(a: StripNote, b: StripNote): number {
  const height = (note: StripNote): number => (note.pitch === null ? 0 : heightOf(note.pitch));
  return a.onset - b.onset || height(b) - height(a) || a.voice - b.voice || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
