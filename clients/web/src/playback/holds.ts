import { toNumber } from "bandpro-score";
import { endOf, type ScoreIndex } from "../editing/score-index.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { oncePer } from "./once.ts";

/** Where a measure stands still, in quarters from its start, and for so many. */
interface Hold {
  readonly at: number;
  readonly quarters: number;
}

/** A fermata makes its note as long again, but no longer than by this. */
const HOLD_QUARTERS_MAX = 2;
const known = oncePer(() => new Map<string, readonly Hold[]>());

/**
 * A moment of a measure as it comes in playing, in quarters from the measure's start: everybody
 * waits at the end of a note that is held on, whoever has it.
 */
export function heldUntil(index: ScoreIndex, measure: string, quarters: number): number {
  return quarters + heldWithin(index, measure, 0, quarters);
}

/** For how many quarters is waited between two moments of a measure, and at the second one. */
export function heldWithin(
  index: ScoreIndex,
  measure: string,
  from: number,
  until: number,
): number {
  return holdsIn(index, measure)
    .filter(({ at }) => from < at && at <= until)
    .reduce((sum, hold) => sum + hold.quarters, 0);
}

function holdsIn(index: ScoreIndex, measure: string): readonly Hold[] {
  const holds = known(index);
  const found = holds.get(measure) ?? readHolds(index, measure);
  holds.set(measure, found);
  return found;
}

function readHolds(index: ScoreIndex, measure: string): readonly Hold[] {
  // Parts that are held on together wait once.
  const found = new Map<number, number>();
  for (const place of index.inMeasure(measure)) {
    if (place.kind !== "grace" && isHeld(index, place)) {
      const at = toNumber(endOf(place));
      const quarters = Math.min(toNumber(place.duration), HOLD_QUARTERS_MAX);
      found.set(at, Math.max(found.get(at) ?? 0, quarters));
    }
  }
  return [...found].map(([at, quarters]) => ({ at, quarters }));
}

function isHeld({ facets }: ScoreIndex, { events }: Place): boolean {
  return events.some((id) => asText(entryOf(facets, "nx", id)["fermata"]) !== "");
}
