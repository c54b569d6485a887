import type { Place } from "./model.ts";
import { type Rational, timeText } from "./rational.ts";

interface Timed {
  readonly onset: Rational;
  readonly duration: Rational;
  readonly staff: number;
}

/** Notes that begin and end together; one note is a chord of one. */
export interface Chord extends Timed {
  readonly kind: "chord";
  /** The lowest first. */
  readonly ids: readonly string[];
  /** The voice it was written in, when it overlapped others there: a conflict to look at. */
  readonly movedFrom: number | null;
}

/** A rest that somebody wrote. */
export interface WrittenRest extends Timed {
  readonly kind: "rest";
  readonly id: string;
  readonly fillsMeasure: boolean;
}

/** Time that is taken and stays empty on the page. */
export interface Space extends Timed {
  readonly kind: "space";
  readonly id: string;
}

/** Time of a voice that nobody wrote anything into: drawn as rests, and in no document. */
export interface Gap extends Timed {
  readonly kind: "gap";
}

/** Notes that take no time, before what begins at the onset; equal orders are one chord. */
export interface Grace {
  readonly kind: "grace";
  readonly ids: readonly string[];
  readonly onset: Rational;
  readonly staff: number;
}

export type Item = Chord | WrittenRest | Space | Grace | Gap;

/** One voice of a cell, from the measure's start to its end, without overlaps. */
export interface Voice {
  readonly number: number;
  readonly items: readonly Item[];
}

/** What one part has in one measure. Only cells with content are in the view. */
export interface Cell {
  readonly part: string;
  /** By the time signature or the measure itself; null for neither. */
  readonly length: Rational | null;
  /** Something ends after `length`. */
  readonly isOverfull: boolean;
  /** No voice has anything written in some of the time. */
  readonly isUnderfull: boolean;
  readonly voices: readonly Voice[];
  /** Rests and spaces that are not shown, because something else is there. */
  readonly covered: readonly string[];
  readonly directions: readonly string[];
}

/** One measure that is not deleted. */
export interface MeasureView {
  readonly id: string;
  readonly length: Rational | null;
  /** Keys of `attr` that take effect here, those of deleted measures before it among them. */
  readonly settings: readonly string[];
  readonly cells: readonly Cell[];
}

export type HiddenReason = "dangling" | "duplicate" | "pitches-differ";

/** A spanner that is not drawn. */
export interface Hidden {
  readonly id: string;
  readonly reason: HiddenReason;
}

export type OrphanReason =
  | "event-missing"
  | "measure-deleted"
  | "measure-missing"
  | "part-missing"
  | "pitch-missing";

/** An entry whose owner is gone; restoring the owner brings it back. */
export interface Orphan {
  readonly facet: string;
  readonly key: string;
  readonly reason: OrphanReason;
}

/** A score as it is shown. */
export interface View {
  readonly parts: readonly string[];
  readonly measures: readonly MeasureView[];
  readonly deleted: readonly string[];
  readonly spanners: readonly string[];
  readonly hidden: readonly Hidden[];
  readonly orphans: readonly Orphan[];
  readonly unreadable: readonly Place[];
}

/** A view as JSON, members in a fixed order and times as `3/2`, for comparisons. */
export function viewJson(view: View): unknown {
  return {
    parts: view.parts,
    measures: view.measures.map((measure) => ({
      id: measure.id,
      length: optionalTime(measure.length),
      settings: measure.settings,
      cells: measure.cells.map(cellJson),
    })),
    deleted: view.deleted,
    spanners: view.spanners,
    hidden: view.hidden.map((hidden) => [hidden.id, hidden.reason]),
    orphans: view.orphans.map((orphan) => [orphan.facet, orphan.key, orphan.reason]),
    unreadable: view.unreadable,
  };
}

function cellJson(cell: Cell): unknown {
  return {
    part: cell.part,
    length: optionalTime(cell.length),
    isOverfull: cell.isOverfull,
    isUnderfull: cell.isUnderfull,
    voices: cell.voices.map((voice) => ({
      number: voice.number,
      items: voice.items.map(itemJson),
    })),
    covered: cell.covered,
    directions: cell.directions,
  };
}

function itemJson(item: Item): unknown {
  const [onset, staff] = [timeText(item.onset), item.staff];
  if (item.kind === "grace") {
    return { kind: item.kind, ids: item.ids, onset, staff };
  }
  return { ...ownMembers(item), onset, duration: timeText(item.duration), staff };
}

/** What only one kind of item has. */
function ownMembers(item: Exclude<Item, Grace>): object {
  switch (item.kind) {
    case "chord":
      return { kind: item.kind, ids: item.ids, movedFrom: item.movedFrom };
    case "rest":
      return { kind: item.kind, id: item.id, fillsMeasure: item.fillsMeasure };
    case "space":
      return { kind: item.kind, id: item.id };
    case "gap":
      return { kind: item.kind };
  }
}

function optionalTime(value: Rational | null): string | null {
  return value === null ? null : timeText(value);
}
