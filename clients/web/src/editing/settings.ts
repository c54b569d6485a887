import type { Operation } from "bandpro-score";
import { asEntry, asNumber, type Entry, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { settingAt } from "./pitches.ts";
import type { ScoreIndex } from "./score-index.ts";

const EVERY_PART = "*";
const FIFTHS_MAX = 7;
/** The same key, written with sharps or with flats. */
const FIFTHS_AROUND = 12;

type Value = { readonly [field: string]: number | readonly number[] };

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
  const interval: Entry = asEntry(entryOf(index.facets, "parts", part)["transposition"]) ?? {};
  return 7 * asNumber(interval["chromatic"], 0) - 12 * asNumber(interval["diatonic"], 0);
}

function within(fifths: number): number {
  return fifths > FIFTHS_MAX
    ? fifths - FIFTHS_AROUND
    : fifths < -FIFTHS_MAX
      ? fifths + FIFTHS_AROUND
      : fifths;
}

function isPercussion(index: ScoreIndex, { measure, onset }: Place, part: string): boolean {
  const clef = settingAt(index.view, index.facets, "clef", { part, staff: 1, measure, onset });
  return clef?.["sign"] === "percussion";
}
