import type { Facets, View } from "bandpro-score";
import { asNumber, asText, type Entry, entryOf } from "./entries.ts";

/** A tuplet, by the events at its ends. */
export interface TupletLine {
  readonly id: string;
  readonly end: string;
  readonly actual: number;
  readonly normal: number;
}

/** The lines of a score, sorted by what they are for. */
export interface Lines {
  /** By the event they begin at. */
  readonly tuplets: ReadonlyMap<string, TupletLine>;
  /** Ties and slurs, by the event they begin at. */
  readonly curves: ReadonlyMap<string, readonly Curve[]>;
  /** By the event or the direction they begin at. */
  readonly wedges: ReadonlyMap<string, readonly Line[]>;
  /** First, second, ... endings, from measure to measure. */
  readonly endings: readonly Line[];
  /** What such lines begin or end at; directions there say nothing by themselves. */
  readonly ends: ReadonlySet<string>;
  /** Notes that a tie leads to. */
  readonly tied: ReadonlySet<string>;
}

export interface Line {
  readonly id: string;
  readonly start: string;
  readonly end: string;
  readonly value: Entry;
}

export interface Curve extends Line {
  readonly kind: "tie" | "slur";
}

export function linesOf(view: View, facets: Facets): Lines {
  const tuplets = new Map<string, TupletLine>();
  const curves = new Map<string, Curve[]>();
  const wedges = new Map<string, Line[]>();
  const endings: Line[] = [];
  const ends = new Set<string>();
  const tied = new Set<string>();
  for (const id of view.spanners) {
    const value = entryOf(facets, "sp", id);
    const [start, end] = [asText(value["start"]), asText(value["end"])];
    const kind = asText(value["kind"]);
    if (kind === "tie" || kind === "slur") {
      const begun = curves.get(start) ?? [];
      curves.set(start, begun);
      begun.push({ id, start, end, value, kind });
      if (kind === "tie") {
        tied.add(end);
      }
    } else if (kind === "tuplet") {
      tuplets.set(start, {
        id,
        end,
        actual: Math.max(1, Math.trunc(asNumber(value["actual"], 3))),
        normal: Math.max(1, Math.trunc(asNumber(value["normal"], 2))),
      });
    } else if (kind === "ending") {
      endings.push({ id, start, end, value });
    } else if (kind === "wedge" || kind === "ottava" || kind === "pedal") {
      ends.add(start).add(end);
      if (kind === "wedge") {
        const begun = wedges.get(start) ?? [];
        wedges.set(start, begun);
        begun.push({ id, start, end, value });
      }
    }
  }
  return { tuplets, curves, wedges, endings, ends, tied };
}
