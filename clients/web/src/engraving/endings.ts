import type { View } from "bandpro-score";
import type { Row } from "./casting.ts";
import { asText } from "./entries.ts";
import type { Line } from "./lines.ts";
import type { MeasureSigns } from "./signs.ts";
import { type Attributes, element } from "./xml.ts";

/** A first, second, ... ending: measures under one line, by their places in the score. */
export interface Ending {
  readonly id: string;
  readonly first: number;
  readonly last: number;
  /** What stands where it begins, such as `1.`. */
  readonly label: string;
  /** Whether its line comes down at its end: a repeat, a section or the piece ends there. */
  readonly isClosed: boolean;
}

/** What of an ending is in one row, by the places of the measures in it. */
export interface RowEnding {
  readonly first: number;
  readonly last: number;
  readonly attributes: Attributes;
}

const NONE: readonly Ending[] = [];
const NUMBERS = /^\d+(\s*,\s*\d+)*$/;

/**
 * The endings of a score in their order. Where two overlap, the one that begins first is drawn: the
 * engraver knows none within another.
 */
export function endingsOf(
  lines: readonly Line[],
  view: View,
  signs: readonly MeasureSigns[],
): readonly Ending[] {
  if (lines.length === 0) {
    return NONE;
  }
  const places = new Map(view.measures.map((measure, at) => [measure.id, at]));
  const drawn: Ending[] = [];
  const all = lines.flatMap(({ id, start, end, value }): Ending[] => {
    const [first, last] = [places.get(start), places.get(end)];
    if (first === undefined || last === undefined || last < first) {
      return [];
    }
    const label = labelOf(asText(value["text"]).trim());
    return [{ id, first, last, label, isClosed: isOver(signs[last]) }];
  });
  for (const ending of all.sort((a, b) => a.first - b.first)) {
    if (ending.first > (drawn.at(-1)?.last ?? -1)) {
      drawn.push(ending);
    }
  }
  return drawn;
}

/** Numbers are ordinal ones; what else an ending says stands as it is. */
function labelOf(text: string): string {
  return NUMBERS.test(text) ? text.replace(/\d+/g, "$&.").replace(/\s*,\s*/g, ", ") : text;
}

/** Whether something ends with a measure, and does not only go on. */
function isOver(signs: MeasureSigns | undefined): boolean {
  const { repeat, style } = signs?.right ?? {};
  return repeat === "backward" || style === "light-heavy" || style === "light-light";
}

/** Where an ending goes over the ends of a row, its line is open there, and its number not repeated. */
export function endingsInRow(endings: readonly Ending[], row: Row): readonly RowEnding[] {
  return endings.flatMap((ending): RowEnding[] => {
    if (ending.last < row.first || ending.first > row.last) {
      return [];
    }
    const [begins, ends] = [ending.first >= row.first, ending.last <= row.last];
    const attributes = {
      "xml:id": begins ? ending.id : null,
      n: begins && ending.label !== "" ? ending.label : null,
      lstartsym: begins ? null : "none",
      // Without a word for it, the engraver has the line come down.
      lendsym: ends && ending.isClosed ? "angledown" : "none",
    };
    const first = Math.max(ending.first, row.first) - row.first;
    return [{ first, last: Math.min(ending.last, row.last) - row.first, attributes }];
  });
}

/** The measures of a row, those of each ending together. */
export function underEndings(measures: readonly string[], endings: readonly RowEnding[]): string {
  let written = "";
  let at = 0;
  for (const { first, last, attributes } of endings) {
    written += measures.slice(at, first).join("");
    written += element("ending", attributes, measures.slice(first, last + 1).join(""));
    at = last + 1;
  }
  return written + measures.slice(at).join("");
}
