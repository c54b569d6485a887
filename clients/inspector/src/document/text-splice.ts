/** One replacement in a text: at `index`, `removed` code units go and `inserted` comes. */
export interface Splice {
  index: number;
  removed: number;
  inserted: string;
}

/** A change of a Y.Text as its events tell it. */
export type Delta = ReadonlyArray<{
  retain?: number | undefined;
  insert?: unknown;
  delete?: number | undefined;
}>;

/**
 * The smallest single replacement that turns `before` into `after`.
 *
 * Where several are equally small ("aa" out of "a"), `caret` decides: a person types and deletes
 * at the caret, so what was inserted ends there. Surrogate pairs are never torn.
 *
 * @returns null when the texts are equal.
 */
export function spliceBetween(before: string, after: string, caret: number): Splice | null {
  if (before === after) return null;
  const shorter = Math.min(before.length, after.length);
  // Behind the caret nothing was typed, so the common end may reach back to it, no further.
  let end = 0;
  const endMax = Math.min(shorter, Math.max(0, after.length - caret));
  while (end < endMax && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  let start = 0;
  const startMax = shorter - end;
  while (start < startMax && before[start] === after[start]) start++;
  // A replacement away from the caret (undo of the browser, say) can share more at the end.
  while (
    end < shorter - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++;
  }
  if (start > 0 && isHighSurrogate(before.charCodeAt(start - 1))) start--;
  if (end > 0 && isLowSurrogate(before.charCodeAt(before.length - end))) end--;
  return {
    index: start,
    removed: before.length - end - start,
    inserted: after.slice(start, after.length - end),
  };
}

/**
 * Where a caret stands after somebody else's change. Text inserted exactly at the caret comes
 * after it, so that a person's own typing is not pushed along.
 */
export function caretAfter(delta: Delta, caret: number): number {
  let index = 0;
  let moved = caret;
  for (const step of delta) {
    if (step.retain !== undefined) {
      index += step.retain;
    } else if (step.delete !== undefined) {
      if (index < moved) moved -= Math.min(step.delete, moved - index);
    } else {
      const length = typeof step.insert === "string" ? step.insert.length : 1;
      if (index < moved) moved += length;
      index += length;
    }
  }
  return moved;
}

/**
 * A splice that was computed against an older text, carried over the changes that others made
 * meanwhile. What they removed of it cannot be removed again.
 */
export function spliceAfter(delta: Delta, splice: Splice): Splice {
  const index = caretAfter(delta, splice.index);
  const end = caretAfter(delta, splice.index + splice.removed);
  return { index, removed: Math.max(0, end - index), inserted: splice.inserted };
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
