import type { ScoreIndex } from "../editing/score-index.ts";
import { asTexts, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";

/** How the notes of a chord are played by their articulations. */
export interface Touch {
  /** How much of its time a note sounds. */
  readonly length: number;
  /** How loud it is, beside 1 for others. */
  readonly level: number;
}

const LENGTHS: ReadonlyMap<string, number> = new Map([
  ["staccatissimo", 0.25],
  ["spiccato", 0.4],
  ["staccato", 0.5],
  ["detached-legato", 0.75],
]);
const LEVELS: ReadonlyMap<string, number> = new Map([
  ["strong-accent", 1.7],
  ["accent", 1.4],
  ["soft-accent", 1.2],
]);
/** With a line over it, a dot takes less away. */
const PORTATO = 0.75;

/** How a chord is played: with what any of its notes says. */
export function touchOf({ facets }: ScoreIndex, { events }: Place): Touch {
  const names = events.flatMap((id) => asTexts(entryOf(facets, "nx", id)["articulations"]));
  const lengths = names.map((name) => LENGTHS.get(name) ?? 1);
  const shortest = Math.min(1, ...lengths);
  return {
    length: names.includes("tenuto") && shortest < 1 ? PORTATO : shortest,
    level: Math.max(1, ...names.map((name) => LEVELS.get(name) ?? 1)),
  };
}
