/** Measures that are drawn side by side, by their places in the score: the first and the last. */
export interface Row {
  readonly first: number;
  readonly last: number;
}

interface Cast {
  readonly id: string;
  /** In units of the engraver. */
  readonly width: number;
}

/** A row that was there before stays while it fills the page between these parts of its width. */
const KEPT_FILL_MIN = 0.55;
const KEPT_FILL_MAX = 1.1;

/**
 * Sorts measures into rows, as many as fit in each. Rows that began at a measure before begin there
 * again if they can: what somebody writes into one row moves no other row.
 *
 * @param room how wide the measures of a row that begins at a measure may be, together.
 * @param begun ids of the measures at which rows began before.
 */
export function castOff(
  measures: readonly Cast[],
  room: (first: number) => number,
  begun: ReadonlySet<string>,
): readonly Row[] {
  const rows: Row[] = [];
  for (let first = 0; first < measures.length; ) {
    const end = rowEnd(measures, first, room(first), begun);
    rows.push({ first, last: end - 1 });
    first = end;
  }
  return rows;
}

/** Where the next row begins. */
function rowEnd(
  measures: readonly Cast[],
  first: number,
  room: number,
  begun: ReadonlySet<string>,
): number {
  let width = 0;
  let fitting = first + 1;
  for (let at = first; at < measures.length; at += 1) {
    const fill = width / room;
    if (at > first && begun.has(measures[at]?.id ?? "") && fill >= KEPT_FILL_MIN) {
      return fill <= KEPT_FILL_MAX ? at : fitting;
    }
    width += measures[at]?.width ?? 0;
    if (width <= room) {
      fitting = at + 1;
    }
    if (width > room * KEPT_FILL_MAX) {
      return fitting;
    }
  }
  return begun.size > 0 || width <= room ? measures.length : fitting;
}
