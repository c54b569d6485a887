import { type Operation, ZERO_TIME } from "bandpro-score";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, NOTHING, spotOf } from "./actions.ts";
import { endKept } from "./repeats.ts";
import type { ScoreIndex } from "./score-index.ts";

/** On which side of what is selected a measure is put in. */
export type Side = "before" | "behind";

/** What becomes of measures, besides that there are others. */
interface Change {
  readonly gone?: ReadonlySet<string>;
  /** Where in the score a measure is new. */
  readonly newAt?: number;
}

const NUMBER = /^[0-9]{1,9}$/;

/** A measure at the end; one of a score without any is the first. */
export function addMeasure({ view }: ScoreIndex): Operation[] {
  const after = view.measures.at(-1)?.id ?? null;
  const added = { op: "InsertMeasures", after } as const;
  return after === null ? [added, { op: "NumberMeasures" }] : [added];
}

/** A new measure before the selected ones or behind them; those after it are counted on. */
export function insertMeasure(index: ScoreIndex, places: readonly Place[], side: Side): Action {
  const { measures } = index.view;
  const [first] = places;
  const found = places.map((place) => index.measureIndex(place.measure)).filter((at) => at >= 0);
  if (!first || found.length === 0) {
    return NOTHING;
  }
  const newAt = side === "before" ? Math.min(...found) : Math.max(...found) + 1;
  const after = measures[newAt - 1]?.id ?? null;
  return {
    operations: [{ op: "InsertMeasures", after }, ...counted(index, { newAt })],
    findCursor: (now) => {
      const measure = now.view.measures[newAt]?.id;
      return measure === undefined ? null : { ...spotOf(first), measure, onset: ZERO_TIME };
    },
  };
}

/** Takes the measures of what is selected away, with all that is in them; the others are counted on. */
export function removeMeasures(index: ScoreIndex, places: readonly Place[]): Action {
  const [first] = places;
  if (!first) {
    return NOTHING;
  }
  const gone = new Set(places.map((place) => place.measure));
  const left = index.view.measures.filter((measure) => !gone.has(measure.id));
  const at = index.view.measures.findIndex((measure) => gone.has(measure.id));
  const next = left[at] ?? left.at(-1);
  return {
    operations: [
      ...endKept(index, gone),
      { op: "DeleteMeasures", measures: [...gone] },
      ...counted(index, { gone }),
    ],
    ...(next ? { cursor: { ...spotOf(first), measure: next.id, onset: ZERO_TIME } } : {}),
  };
}

/** Measures that are counted one by one still are when there are others. */
export function counted({ view, facets }: ScoreIndex, change: Change = {}): Operation[] {
  const counting = view.measures.flatMap(({ id }, at) => {
    const { number, implicit } = entryOf(facets, "measures", id);
    return implicit === true ? [] : [{ id, at, number: asText(number) }];
  });
  const [first] = counting;
  const numbers = counting.map(({ number }) => Number(number));
  if (!first || !counting.every(({ number }) => NUMBER.test(number))) {
    return [];
  }
  const { gone, newAt } = change;
  const isOther = gone?.has(first.id) || (newAt !== undefined && newAt <= first.at);
  // Only an upbeat is number 0.
  const from = isOther && numbers[0] === 0 ? 1 : (numbers[0] ?? 1);
  return isCount(numbers, view.deleted.length) ? [{ op: "NumberMeasures", first: from }] : [];
}

/**
 * Whether numbers are a count, though two who wrote at once left one twice, and one is left out
 * where a measure was deleted, or its insertion undone when somebody had counted on behind it.
 * Somebody's own are those that begin again, or skip several.
 */
function isCount(numbers: readonly number[], deleted: number): boolean {
  const [first = 1] = numbers;
  const skipped = numbers
    .slice(1)
    .map((number, at) => number - (numbers[at] ?? number) - 1)
    .filter((missing) => missing > 1)
    .reduce((sum, missing) => sum + missing, 0);
  return skipped <= deleted && numbers.slice(2).every((number) => number > Math.max(1, first));
}
