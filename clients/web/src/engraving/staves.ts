import type { Facets, View } from "bandpro-score";
import { asNumber, asText, entryOf } from "./entries.ts";

/** One staff of the page; `number` counts from 1 over all parts. */
export interface Staff {
  readonly number: number;
  readonly part: string;
  /** Counts from 1 within its part. */
  readonly within: number;
}

/** A part with its staves, as the left edge of a system shows it. */
export interface PartStaves {
  readonly id: string;
  readonly name: string;
  readonly abbreviation: string;
  readonly staves: readonly Staff[];
}

const STAVES_MAX = 99;
/** So many voices are counted on each staff of a part, as MusicXML does. */
export const VOICES_OF_STAFF = 4;

/** The number within its part of the first voice of a staff on which nothing is written. */
export function firstVoice(staff: number): number {
  return (staff - 1) * VOICES_OF_STAFF + 1;
}

export function partStaves(view: View, facets: Facets): readonly PartStaves[] {
  let number = 0;
  return view.parts.map((id) => {
    const value = entryOf(facets, "parts", id);
    const count = Math.min(STAVES_MAX, Math.max(1, Math.trunc(asNumber(value["staves"], 1))));
    const staves = Array.from({ length: count }, (_, index) => {
      number += 1;
      return { number, part: id, within: index + 1 };
    });
    const [name, abbreviation] = [asText(value["name"]), asText(value["abbreviation"])];
    return { id, name, abbreviation, staves };
  });
}
