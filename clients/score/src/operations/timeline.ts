import { add, compare, divide, multiply, type Rational, subtract, ZERO } from "../rational.ts";
import { type Draft, EditRefused, type Loose, sum, writtenTime } from "./draft.ts";
import { tupletRatio, valueFields } from "./events.ts";
import type { Fields } from "./operations.ts";
import { type Bar, extent } from "./places.ts";
import { cut } from "./values.ts";

/** What of an event is in one measure. */
export interface Span {
  readonly measure: string;
  readonly onset: Rational;
  readonly duration: Rational;
}

export type Lengths = readonly (readonly [measure: string, length: Rational])[];

/** Measures one after the other, in quarter notes from the first on. */
export class Timeline {
  readonly measures: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #starts: readonly Rational[];
  readonly end: Rational;

  constructor(lengths: Lengths) {
    this.measures = lengths.map(([key]) => key);
    this.#places = new Map(this.measures.map((key, place) => [key, place]));
    const starts: Rational[] = [];
    let end = ZERO;
    for (const [, length] of lengths) {
      starts.push(end);
      end = add(end, length);
    }
    this.#starts = starts;
    this.end = end;
  }

  static of(bars: readonly Bar[]): Timeline {
    return new Timeline(bars.map((bar) => [bar.id, extent(bar)] as const));
  }

  /** When a measure begins; null when it is none of these. */
  start(measure: string): Rational | null {
    const place = this.#places.get(measure);
    return place === undefined ? null : (this.#starts[place] ?? null);
  }

  /** The measure, and the onset in it; the end is in the last measure. */
  at(time: Rational): [measure: string, onset: Rational] {
    let [low, high] = [0, this.#starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#starts[middle] as Rational, time) <= 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return [this.measures[low - 1] as string, subtract(time, this.#starts[low - 1] as Rational)];
  }

  /** The measure that lasts until a time or over it, and the time since its start. */
  endedAt(time: Rational): [measure: string, onset: Rational] {
    const [measure, onset] = this.at(time);
    const place = this.#places.get(measure) ?? 0;
    if (onset.numerator > 0n || place === 0) {
      return [measure, onset];
    }
    const before = this.#starts[place - 1] as Rational;
    return [this.measures[place - 1] as string, subtract(time, before)];
  }

  /** The measures from one to another, both included. */
  between(first: string, last: string): readonly string[] {
    const [from = 0, to = -1] = [this.#places.get(first), this.#places.get(last)];
    return this.measures.slice(from, to + 1);
  }

  /** Cuts an event at the barlines. */
  spans(begin: Rational, duration: Rational): Span[] {
    if (compare(add(begin, duration), this.end) > 0 || begin.numerator < 0n) {
      throw new EditRefused("out-of-range", "There are not enough measures.");
    }
    const found: Span[] = [];
    let [from, left] = [begin, duration];
    while (left.numerator > 0n || found.length === 0) {
      const [measure, onset] = this.at(from);
      const barline = this.#starts[(this.#places.get(measure) ?? 0) + 1] ?? this.end;
      const room = subtract(barline, from);
      const taken = compare(left, room) < 0 ? left : room;
      found.push({ measure, onset, duration: taken });
      [from, left] = [add(from, taken), subtract(left, taken)];
    }
    return found;
  }
}

/**
 * Writes an event into the measures that it reaches into, its parts tied together. Place and time
 * are those of the spans. Gives the ids of the pieces, in order.
 */
export function lay(
  draft: Draft,
  key: string,
  value: Loose,
  pitch: Fields | null,
  spans: readonly Span[],
): string[] {
  const ids: string[] = [];
  for (const { span, fields } of piecesOf(value, spans)) {
    const before = ids.at(-1);
    const piece = before === undefined ? key : draft.newId();
    draft.put("ev", piece, {
      ...value,
      ...fields,
      measure: span.measure,
      onset: writtenTime(span.onset),
      duration: writtenTime(span.duration),
      ...(before === undefined ? {} : { chord: undefined }),
    });
    if (pitch !== null) {
      draft.put("pt", piece, before === undefined ? pitch : { ...pitch, accidental: null });
      if (before !== undefined && !("rest" in pitch)) {
        draft.put("sp", draft.newId(), { kind: "tie", start: before, end: piece });
      }
    }
    ids.push(piece);
  }
  return ids;
}

function piecesOf(value: Loose, spans: readonly Span[]): { span: Span; fields: Loose }[] {
  const [only, ...more] = spans;
  if (only && more.length === 0) {
    return [{ span: only, fields: {} }];
  }
  const { type, dots } = value;
  const written = { ...(type == null ? {} : { type }), ...(dots == null ? {} : { dots }) };
  const ratio = tupletRatio(written, sum(spans.map((span) => span.duration)));
  const found: { span: Span; fields: Loose }[] = [];
  for (const { measure, onset, duration } of spans) {
    let from = onset;
    for (const nominal of cut(divide(duration, ratio))) {
      const lasting = multiply(nominal, ratio);
      found.push({
        span: { measure, onset: from, duration: lasting },
        fields: valueFields(nominal),
      });
      from = add(from, lasting);
    }
  }
  return found;
}
