import {
  compareTimes,
  type Item,
  type MeasureView,
  type Operation,
  type Rational,
  readScore,
  ZERO_TIME,
} from "bandpro-score";
import { asEntry, asNumber, type Entry, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { timeOf } from "./actions.ts";
import { counted } from "./measures.ts";
import { settingAt } from "./pitches.ts";
import type { ScoreIndex } from "./score-index.ts";

const EVERY_PART = "*";
const FIFTHS_MAX = 7;
/** The same key, written with sharps or with flats. */
const FIFTHS_AROUND = 12;

type Value = { readonly [field: string]: number | readonly number[] };

/** So many beats, of so short a note. */
export type Metre = { readonly beats: readonly number[]; readonly unit: number };

/** What another metre writes. */
export interface NewTime {
  readonly operations: readonly Operation[];
  /** What bars the music behind it anew; null where parts have metres of their own. */
  readonly bars: readonly Operation[] | null;
}

/**
 * A key from a measure on, as the selected staff reads it: transposing parts get what sounds the
 * same, drums get none.
 */
export function setKey(index: ScoreIndex, place: Place, fifths: number): Operation[] {
  const sounding = fifths + soundsFifths(index, place.part);
  const parts = index.view.parts.filter((part) => !isPercussion(index, place, part));
  const written = parts.map((part) => within(sounding - soundsFifths(index, part)));
  if (parts.length === index.view.parts.length && new Set(written).size <= 1) {
    return setForAll(index, "key", place.measure, { fifths: written[0] ?? fifths });
  }
  return [
    ...cleared(index, "key", place.measure, () => true),
    ...parts.map((part, at) => set("key", place.measure, part, { fifths: written[at] ?? fifths })),
  ];
}

/** A metre from a measure on; the music up to the next one is barred anew where that lasts otherwise. */
export function setTime(index: ScoreIndex, place: Place, metre: Metre): NewTime {
  const { measures, parts } = index.view;
  const { measure } = place;
  const operations = setForAll(index, "time", measure, metre);
  const first = index.measureIndex(measure);
  const next = measures.findIndex((each, at) => at > first && beginsMetre(each));
  const range = measures.slice(first, next < 0 ? undefined : next);
  const spot = { measure, staff: 1, onset: ZERO_TIME };
  const former = parts.map((part) =>
    lengthOf(settingAt(index.view, index.facets, "time", { ...spot, part })),
  );
  const [usual = null] = former;
  if (!former.every((length) => isSame(length, usual))) {
    return { operations, bars: null };
  }
  if (isSame(lengthOf(metre), usual) || !range.some(isWritten)) {
    return { operations, bars: [] };
  }
  const last = range.at(-1)?.id ?? measure;
  const barred = {
    op: "Rebar",
    first: measure,
    last,
    former_length: usual && timeOf(usual),
  } as const;
  return { operations, bars: [barred, ...counted(index)] };
}

function beginsMetre({ settings }: MeasureView): boolean {
  return settings.some((key) => key.startsWith("time|"));
}

/** How long a metre makes a measure; null for none. */
function lengthOf(metre: Entry | null): Rational | null {
  const [setting] = readScore({ attr: { "time|m|*|0/1": metre } }).settings.values();
  return setting?.length ?? null;
}

function isSame(a: Rational | null, b: Rational | null): boolean {
  return a === null || b === null ? a === b : compareTimes(a, b) === 0;
}

/** Whether there is anything in a measure that a barline could cut or move. */
function isWritten({ cells }: MeasureView): boolean {
  const items: Item[] = cells.flatMap((cell) => cell.voices.flatMap((voice) => voice.items));
  return items.some((item) => item.kind !== "gap" && !(item.kind === "rest" && item.fillsMeasure));
}

/** A key or metre of all parts: what single ones say there would hide it. */
export function setForAll(
  index: ScoreIndex,
  kind: "key" | "time",
  measure: string,
  value: Value,
): Operation[] {
  const hiding = cleared(index, kind, measure, (scope) => scope !== EVERY_PART);
  return [...hiding, set(kind, measure, EVERY_PART, value)];
}

function set(kind: "key" | "time", measure: string, scope: string, value: Value | null): Operation {
  return { op: "ChangeSetting", kind, measure, scope, value };
}

/** Takes away what is said at the beginning of a measure. */
function cleared(
  index: ScoreIndex,
  kind: "key" | "time",
  measure: string,
  isMeant: (scope: string) => boolean,
): Operation[] {
  const view = index.view.measures[index.measureIndex(measure)];
  return (view?.settings ?? []).flatMap((key) => {
    const [own, owner, scope = "", at] = key.split("|");
    const isHere = own === kind && owner === measure && at === "0/1";
    return isHere && isMeant(scope) ? [set(kind, measure, scope, null)] : [];
  });
}

/** How many fifths higher a part sounds than it is written. */
function soundsFifths(index: ScoreIndex, part: string): number {
  return fifthsOf(asEntry(entryOf(index.facets, "parts", part)["transposition"]) ?? {});
}

/** The way of an interval on the line of fifths. */
export function fifthsOf(interval: Entry): number {
  return 7 * asNumber(interval["chromatic"], 0) - 12 * asNumber(interval["diatonic"], 0);
}

/** The same key in seven signs at most. */
export function within(fifths: number): number {
  return fifths > FIFTHS_MAX
    ? fifths - FIFTHS_AROUND
    : fifths < -FIFTHS_MAX
      ? fifths + FIFTHS_AROUND
      : fifths;
}

export function isPercussion(
  index: ScoreIndex,
  { measure, onset }: Pick<Place, "measure" | "onset">,
  part: string,
): boolean {
  const clef = settingAt(index.view, index.facets, "clef", { part, staff: 1, measure, onset });
  return clef?.["sign"] === "percussion";
}
