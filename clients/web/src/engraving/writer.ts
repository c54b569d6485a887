import type { Facets, MeasureView, View } from "bandpro-score";
import { type Ending, endingsOf } from "./endings.ts";
import { linesOf } from "./lines.ts";
import { type MeasureContext, type WrittenMeasure, writeMeasure } from "./measures.ts";
import { clefElement, isSameSigns, type MeasureSigns, SignWalk } from "./signs.ts";
import { type PartStaves, partStaves, type Staff } from "./staves.ts";
import { syllablesOf } from "./syllables.ts";

/** A score as the engraver takes it, measure by measure; without parts there are none. */
export interface Writing {
  readonly parts: readonly PartStaves[];
  readonly staves: readonly Staff[];
  readonly measures: readonly WrittenMeasure[];
  /** What holds in each measure. */
  readonly signs: readonly MeasureSigns[];
  readonly endings: readonly Ending[];
}

interface Known {
  readonly context: MeasureContext;
  readonly written: WrittenMeasure;
}

const NO_WARNINGS: ReadonlyMap<number, string> = new Map();

/**
 * Writes what is shown of a score for the engraver. Elements have the ids that they have in the
 * document. Nothing throws, whatever the document says.
 *
 * A measure is written anew when its part of the view is another object, or when other signs hold
 * in it: a view must have another object for each measure in which anything is drawn differently.
 */
export class ScoreWriter {
  #known = new WeakMap<MeasureView, Known>();
  #parts: readonly PartStaves[] = [];
  #staves: readonly Staff[] = [];

  write(view: View, facets: Facets): Writing {
    this.#takeParts(partStaves(view, facets));
    const [parts, staves] = [this.#parts, this.#staves];
    if (staves.length === 0) {
      return { parts, staves, measures: [], signs: [], endings: [] };
    }
    const sources = { facets, lines: linesOf(view, facets), syllables: syllablesOf(facets) };
    const walk = new SignWalk(facets, staves);
    const signs = view.measures.map((measure) => walk.enter(measure));
    const measures = view.measures.map((measure, index) => {
      const context: MeasureContext = {
        staves,
        signs: signs[index] as MeasureSigns,
        warnings: warningsOf(signs[index + 1]),
        isFirst: index === 0,
        isLast: index === view.measures.length - 1,
      };
      const known = this.#known.get(measure);
      const isSame = known !== undefined && isSameContext(known.context, context);
      const written = isSame ? known.written : writeMeasure(measure, context, sources);
      this.#known.set(measure, { context, written });
      return written;
    });
    const endings = endingsOf(sources.lines.endings, view, signs);
    return { parts, staves, measures, signs, endings };
  }

  #takeParts(parts: readonly PartStaves[]): void {
    if (JSON.stringify(parts) !== JSON.stringify(this.#parts)) {
      this.#parts = parts;
      this.#staves = parts.flatMap((part) => part.staves);
      this.#known = new WeakMap();
    }
  }
}

function warningsOf(next: MeasureSigns | undefined): ReadonlyMap<number, string> {
  let found: Map<number, string> | null = null;
  for (const [number, { hasNewClef, signs }] of next?.staves ?? []) {
    if (hasNewClef) {
      found ??= new Map();
      found.set(number, clefElement(signs.clef));
    }
  }
  return found ?? NO_WARNINGS;
}

function isSameContext(a: MeasureContext, b: MeasureContext): boolean {
  return (
    a.isFirst === b.isFirst &&
    a.isLast === b.isLast &&
    isSameWarnings(a.warnings, b.warnings) &&
    isSameSigns(a.signs, b.signs)
  );
}

function isSameWarnings(a: MeasureContext["warnings"], b: MeasureContext["warnings"]): boolean {
  return a === b || (a.size === b.size && [...a].every(([staff, clef]) => b.get(staff) === clef));
}
