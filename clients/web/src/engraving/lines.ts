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
  readonly ties: readonly Line[];
  readonly slurs: readonly Line[];
  /** By the direction they begin at. */
  readonly wedges: ReadonlyMap<string, Line>;
  /** Directions that are ends of lines and say nothing by themselves. */
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

export function linesOf(view: View, facets: Facets): Lines {
  const all = view.spanners.map((id): Line & { kind: string } => {
    const value = entryOf(facets, "sp", id);
    const [start, end] = [asText(value["start"]), asText(value["end"])];
    return { id, start, end, value, kind: asText(value["kind"]) };
  });
  const of = (kind: string) => all.filter((line) => line.kind === kind);
  const signed = ["wedge", "ottava", "pedal"].flatMap(of);
  return {
    tuplets: new Map(
      of("tuplet").map(({ id, start, end, value }) => [
        start,
        {
          id,
          end,
          actual: Math.max(1, Math.trunc(asNumber(value["actual"], 3))),
          normal: Math.max(1, Math.trunc(asNumber(value["normal"], 2))),
        },
      ]),
    ),
    ties: of("tie"),
    slurs: of("slur"),
    wedges: new Map(of("wedge").map((line) => [line.start, line])),
    ends: new Set(signed.flatMap(({ start, end }) => [start, end])),
    tied: new Set(of("tie").map((line) => line.end)),
  };
}
