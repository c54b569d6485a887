import { closeGaps, type Layout, layOut } from "./cells.ts";
import type { Direction, Pitch, ScoreEvent } from "./model.ts";
import { compare, later, type Rational, ZERO } from "./rational.ts";
import { compareText } from "./sorting.ts";
import type { Cell, MeasureView, Orphan } from "./view.ts";

/** What is written into one cell. */
export interface Content {
  readonly events: Map<string, ScoreEvent>;
  readonly directions: Map<string, Direction>;
}

/** By part. */
export type Row = ReadonlyMap<string, Content>;

/** A measure that is shown, what it was worked out from, and all that is shown in it. */
export interface Shown {
  readonly view: MeasureView;
  readonly parts: readonly string[];
  readonly lengths: readonly (Rational | null)[];
  readonly ids: ReadonlySet<string>;
  /** Events without a pitch. */
  readonly orphans: readonly Orphan[];
}

const NO_CONTENT: Content = { events: new Map(), directions: new Map() };

/**
 * Shows one measure.
 *
 * @param lengths of the measure, and of each of the parts in it.
 */
export function showMeasure(
  id: string,
  settings: readonly string[],
  row: Row,
  parts: readonly string[],
  lengths: readonly (Rational | null)[],
  pitches: ReadonlyMap<string, Pitch>,
): Shown {
  const orphans: Orphan[] = [];
  const ids = new Set<string>();
  const laid = parts
    .map((part, at) => {
      const content = row.get(part) ?? NO_CONTENT;
      const shown = [...content.events.values()].filter((event) => {
        const isShown = event.isSpace || pitches.has(event.id);
        if (!isShown) {
          orphans.push({ facet: "ev", key: event.id, reason: "pitch-missing" });
        }
        return isShown;
      });
      return { part, content, shown, length: lengths[at + 1] ?? null };
    })
    .filter(({ content, shown }) => shown.length + content.directions.size > 0)
    .map((cell) => ({ ...cell, layout: layOut(cell.shown, pitches, cell.length) }));
  // Without a metre, all parts last as long as the longest of them.
  const longest = laid.map(({ layout }) => layout.end).reduce(later, ZERO);
  const cells = laid.map(({ part, content, length, layout }) =>
    cellOf(part, content, length, layout, longest, ids),
  );
  return {
    view: { id, length: lengths[0] ?? null, settings, cells },
    parts,
    lengths,
    ids,
    orphans,
  };
}

/** The parts that have anything in a measure, in their order. */
export function partsOf(row: Row, places: ReadonlyMap<string, number>): readonly string[] {
  return [...row]
    .filter(
      ([part, { events, directions }]) => places.has(part) && events.size + directions.size > 0,
    )
    .map(([part]) => part)
    .sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
}

/** @param shown takes the ids of all that is shown in the cell. */
function cellOf(
  part: string,
  content: Content,
  length: Rational | null,
  layout: Layout,
  longest: Rational,
  shown: Set<string>,
): Cell {
  const voices = layout.voices.map((voice) => closeGaps(voice, length ?? longest));
  for (const item of voices.flatMap((voice) => voice.items)) {
    if (item.kind === "chord" || item.kind === "grace") {
      for (const id of item.ids) {
        shown.add(id);
      }
    } else if (item.kind !== "gap") {
      shown.add(item.id);
    }
  }
  const directions = [...content.directions.values()]
    .sort((a, b) => compare(a.onset, b.onset) || compareText(a.id, b.id))
    .map((direction) => direction.id);
  for (const id of directions) {
    shown.add(id);
  }
  return {
    part,
    length,
    isOverfull: length !== null && compare(layout.end, length) > 0,
    isUnderfull:
      length !== null && compare(layout.end, ZERO) > 0 && compare(layout.filledUntil, length) < 0,
    voices,
    covered: layout.covered,
    directions,
  };
}
