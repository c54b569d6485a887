import type { Changes, Operation } from "bandpro-score";
import { asEntry, asText } from "../engraving/entries.ts";

/** The notes that an edit gave a pitch. */
export function pitched({ sets }: Changes): string[] {
  return sets.flatMap(([facet, key]) => (facet === "pt" ? [key] : []));
}

/** The ids of the notes that operations inserted, in their order: changes come in that of ids, drawn by lot. */
export function newNotes(changes: Changes, operations: readonly Operation[]): string[] {
  const found = new Set(pitched(changes));
  const measures = operations.flatMap((each) => (each.op === "InsertNote" ? [each.measure] : []));
  const rank = (value: unknown) => measures.indexOf(asText(asEntry(value)?.["measure"]));
  return changes.sets
    .filter(([facet, key]) => measures.length > 0 && facet === "ev" && found.has(key))
    .sort(([, , a], [, , b]) => rank(a) - rank(b))
    .map(([, key]) => key);
}
