import type { ScoreIndex } from "../editing/score-index.ts";

/** Reads something of a score once for each picture of it: an index is made anew with each change. */
export function oncePer<T extends object>(
  read: (index: ScoreIndex) => T,
): (index: ScoreIndex) => T {
  const known = new WeakMap<ScoreIndex, T>();
  return (index) => {
    const found = known.get(index) ?? read(index);
    known.set(index, found);
    return found;
  };
}
