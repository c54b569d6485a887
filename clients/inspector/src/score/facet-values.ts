/**
 * Readers of the values in a score's facets. What another client wrote may be anything: whatever
 * does not have the expected shape reads as null, and is simply not drawn.
 */

export interface EventValue {
  part: string;
  measure: string;
  onset: number;
  duration: number;
  voice: number;
  grace: boolean;
  space: boolean;
}

export interface MeasureValue {
  order: string;
  number: string;
  /** In quarter notes, when it differs from what the time signature says. */
  length: number | null;
  deleted: boolean;
}

export interface PartValue {
  order: string;
  name: string;
}

/** A time or key signature for all parts, from the start of a measure. */
export type Signature =
  | { kind: "time"; measure: string; length: number; label: string }
  | { kind: "key"; measure: string; fifths: number };

const SPAN_QUARTERS_MAX = 256;

/** A rational `[numerator, denominator]` as a number; null when it is none. */
export function rational(value: unknown): number | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  const [numerator, denominator]: unknown[] = value;
  if (typeof numerator !== "number" || typeof denominator !== "number") return null;
  const quotient = numerator / denominator;
  return Number.isFinite(quotient) ? quotient : null;
}

export function readEvent(value: unknown): EventValue | null {
  const fields = object(value);
  const part = text(fields["part"]);
  const measure = text(fields["measure"]);
  const onset = rational(fields["onset"]);
  const duration = rational(fields["duration"]);
  if (part === null || measure === null || onset === null || duration === null) return null;
  if (onset < 0 || onset > SPAN_QUARTERS_MAX || duration < 0 || duration > SPAN_QUARTERS_MAX) {
    return null;
  }
  const voice = fields["voice"];
  return {
    part,
    measure,
    onset,
    duration,
    voice: typeof voice === "number" ? voice : 1,
    grace: fields["grace"] !== undefined,
    space: fields["kind"] === "space",
  };
}

export function readMeasure(value: unknown): MeasureValue | null {
  const fields = object(value);
  const order = text(fields["order"]);
  if (order === null) return null;
  const length = rational(fields["length"]);
  return {
    order,
    number: text(fields["number"]) ?? "",
    length: length !== null && length > 0 && length <= SPAN_QUARTERS_MAX ? length : null,
    deleted: fields["deleted"] === true,
  };
}

export function readPart(value: unknown): PartValue | null {
  const fields = object(value);
  const order = text(fields["order"]);
  return order === null ? null : { order, name: text(fields["name"]) ?? "" };
}

/** Reads an entry of `attr`; its key is its place: `kind|measure|scope|onset`. */
export function readSignature(key: string, value: unknown): Signature | null {
  const [kind, measure, scope, at] = key.split("|");
  if (measure === undefined || scope !== "*" || at !== "0/1") return null;
  const fields = object(value);
  if (kind === "key") {
    const fifths = fields["fifths"];
    if (typeof fifths !== "number" || Math.abs(fifths) > 7) return null;
    return { kind, measure, fifths };
  }
  if (kind !== "time") return null;
  const { beats, unit } = fields;
  if (!Array.isArray(beats) || typeof unit !== "number" || unit <= 0) return null;
  const sum = beats.reduce((total: number, beat: unknown) => total + Number(beat), 0);
  const length = (sum * 4) / unit;
  if (!(length > 0 && length <= SPAN_QUARTERS_MAX)) return null;
  return { kind, measure, length, label: `${beats.join("+")}/${unit}` };
}

/** Reads a tempo of `attr` for all parts; in quarter notes a minute. */
export function readTempo(key: string, value: unknown): number | null {
  const [kind, , scope] = key.split("|");
  const fields = object(value);
  const unit = rational(fields["unit"]);
  const bpm = fields["bpm"];
  if (kind !== "tempo" || scope !== "*" || unit === null || typeof bpm !== "number") return null;
  const quarters = bpm * unit;
  return quarters >= 10 && quarters <= 400 ? quarters : null;
}

/** The rest of `pt`: "measure" is a rest of a whole measure. */
export function isRest(value: unknown): boolean {
  const rest = object(value)["rest"];
  return rest === "rest" || rest === "measure" || rest === true;
}

export function hasFermata(value: unknown): boolean {
  return object(value)["fermata"] !== undefined;
}

/** A syllable as it is printed under a note: a hyphen where the word goes on. */
export function readSyllable(value: unknown): string | null {
  const fields = object(value);
  const syllable = text(fields["text"]);
  if (syllable === null) return null;
  const goesOn = fields["syllabic"] === "begin" || fields["syllabic"] === "middle";
  return goesOn ? `${syllable}-` : syllable;
}

export function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function object(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
