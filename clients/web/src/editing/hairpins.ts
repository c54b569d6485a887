import { compareTimes, type Operation, type Rational } from "bandpro-score";
import { asText, entryOf } from "../engraving/entries.ts";
import { type HairpinKind, hairpinOf } from "../engraving/hairpins.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, NOTHING } from "./actions.ts";
import { notesOf } from "./articulations.ts";
import { endOf, type ScoreIndex } from "./score-index.ts";

export const HAIRPINS: readonly HairpinKind[] = ["crescendo", "diminuendo"];

interface Moment {
  readonly measure: string;
  readonly onset: Rational;
}

/** Selected notes of one staff: where they begin and end, and the hairpins that are over them. */
interface Stretch {
  readonly first: Place;
  readonly last: Place;
  readonly there: readonly { readonly id: string; readonly kind: HairpinKind }[];
}

/** The kinds of hairpins that are over what is selected, on all of its staves. */
export function hairpinsAt(index: ScoreIndex, places: readonly Place[]): ReadonlySet<HairpinKind> {
  const stretches = stretchesOf(index, places);
  return new Set(HAIRPINS.filter((kind) => isOverAll(stretches, kind)));
}

/**
 * A hairpin on each staff from the first selected note to the end of the last, instead of the
 * other kind. Where all staves have one of this kind, those go.
 */
export function toggleHairpin(
  index: ScoreIndex,
  places: readonly Place[],
  kind: HairpinKind,
): Action {
  const stretches = stretchesOf(index, places);
  const isOn = isOverAll(stretches, kind);
  const changed = isOn ? stretches : stretches.filter((each) => !hasKind(each, kind));
  const gone = changed.flatMap(({ there }) => there).filter((each) => !isOn || each.kind === kind);
  const operations: Operation[] = [];
  if (gone.length > 0) {
    const elements = [...new Set(gone.map(({ id }) => id))];
    operations.push({ op: "DeleteElements", elements });
  }
  for (const { first, last } of isOn ? [] : changed) {
    const [start = "", end = ""] = [first.events[0], last.events[0]];
    const fields = { text: kind, placement: "below" };
    operations.push({ op: "AddSpanner", kind: "wedge", start, end, fields });
  }
  return operations.length > 0 ? { operations } : NOTHING;
}

function isOverAll(stretches: readonly Stretch[], kind: HairpinKind): boolean {
  return stretches.length > 0 && stretches.every((each) => hasKind(each, kind));
}

function hasKind({ there }: Stretch, kind: HairpinKind): boolean {
  return there.some((each) => each.kind === kind);
}

function stretchesOf(index: ScoreIndex, places: readonly Place[]): readonly Stretch[] {
  const staves = new Map<string, Place[]>();
  for (const place of notesOf(index, places).filter(({ kind }) => kind === "chord")) {
    const key = `${place.staff} ${place.part}`;
    const notes = staves.get(key) ?? [];
    staves.set(key, notes);
    notes.push(place);
  }
  return [...staves.values()].map((notes) => {
    const first = notes.reduce((a, b) => (isBefore(index, b, a) ? b : a));
    const last = notes.reduce((a, b) => (isBefore(index, overOf(a), overOf(b)) ? b : a));
    return { first, last, there: hairpinsOver(index, first, last) };
  });
}

function hairpinsOver(index: ScoreIndex, first: Place, last: Place): Stretch["there"] {
  return index.view.spanners.flatMap((id) => {
    const line = entryOf(index.facets, "sp", id);
    const hairpin = line["kind"] === "wedge" ? hairpinOf(index.facets, line) : null;
    if (!hairpin || hairpin.from.part !== first.part) {
      return [];
    }
    // A note may be drawn on another staff than its voice.
    const staff = index.place(asText(line["start"]))?.staff ?? hairpin.from.staff;
    const isOver =
      staff === first.staff &&
      isBefore(index, hairpin.from, overOf(last)) &&
      isBefore(index, first, hairpin.until);
    return isOver ? [{ id, kind: hairpin.kind }] : [];
  });
}

function overOf(place: Place): Moment {
  return { measure: place.measure, onset: endOf(place) };
}

function isBefore(index: ScoreIndex, a: Moment, b: Moment): boolean {
  const measures = index.measureIndex(a.measure) - index.measureIndex(b.measure);
  return measures < 0 || (measures === 0 && compareTimes(a.onset, b.onset) < 0);
}
