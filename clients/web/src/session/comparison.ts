import { asEntry, asText } from "../engraving/entries.ts";

export const CHANGES = ["added", "removed", "changed"] as const;
export type Change = (typeof CHANGES)[number];

/** What became of one element of a score since a version. */
export interface Difference {
  readonly change: Change;
  readonly element: string;
  /** In words, as it was and as it is; empty where it was or is not there. */
  readonly old: string;
  readonly new: string;
}

/** What differs in one measure. */
export interface MeasureDifferences {
  readonly measure: string;
  readonly number: string;
  /** What became of the measure itself; null when it is as it was. */
  readonly change: Change | null;
  readonly changes: readonly Difference[];
}

/** All that differs, measure by measure. */
export interface Differences {
  readonly measures: readonly MeasureDifferences[];
  /** There is more than the server tells. */
  readonly isCut: boolean;
}

/** Reads what the server tells of two versions of a score; what says too little is left out. */
export function differencesIn(answer: unknown): Differences {
  const fields = asEntry(answer) ?? {};
  return { measures: listIn(fields["measures"], measureIn), isCut: fields["truncated"] === true };
}

/** The elements, and measures, of which one thing became. */
export function idsOf({ measures }: Differences, change: Change): readonly string[] {
  return measures.flatMap((measure) => [
    ...(measure.change === change && change !== "changed" ? [measure.measure] : []),
    ...measure.changes.filter((each) => each.change === change).map((each) => each.element),
  ]);
}

/** How many elements were added, removed and changed. */
export function countsOf({ measures }: Differences): Readonly<Record<Change, number>> {
  const all = measures.flatMap((measure) => measure.changes);
  const count = (change: Change) => all.filter((each) => each.change === change).length;
  return { added: count("added"), removed: count("removed"), changed: count("changed") };
}

function measureIn(value: unknown): MeasureDifferences {
  const fields = asEntry(value) ?? {};
  return {
    measure: asText(fields["measure"]),
    number: asText(fields["number"]),
    change: changeIn(fields["change"]),
    changes: listIn(fields["changes"], differenceIn),
  };
}

function differenceIn(value: unknown): Difference | null {
  const fields = asEntry(value) ?? {};
  const change = changeIn(fields["change"]);
  const element = asText(fields["element"]);
  return change && { change, element, old: asText(fields["old"]), new: asText(fields["new"]) };
}

function changeIn(value: unknown): Change | null {
  return CHANGES.find((change) => change === value) ?? null;
}

function listIn<T>(value: unknown, read: (item: unknown) => T | null): readonly T[] {
  return Array.isArray(value) ? value.map(read).filter((item) => item !== null) : [];
}
