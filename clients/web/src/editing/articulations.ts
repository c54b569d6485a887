import type { Articulation } from "bandpro-score";
import { asText, asTexts, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, NOTHING, targets } from "./actions.ts";
import type { ScoreIndex } from "./score-index.ts";

/** What a note can be marked with here, by MusicXML's names. */
export type Mark =
  | Extract<Articulation, "staccato" | "staccatissimo" | "tenuto" | "accent" | "strong-accent">
  | "fermata";

export const MARKS: readonly Mark[] = [
  ...(["staccato", "staccatissimo", "tenuto"] as const),
  ...(["accent", "strong-accent", "fermata"] as const),
];

/** What says the same in another degree: a note has one of them. */
const INSTEAD: Readonly<Partial<Record<Mark, readonly Articulation[]>>> = {
  staccato: ["staccatissimo"],
  staccatissimo: ["staccato"],
  accent: ["strong-accent"],
  "strong-accent": ["accent"],
};

/** The marks that all selected notes have, for the buttons that say so. */
export function marksAt(index: ScoreIndex, places: readonly Place[]): ReadonlySet<Mark> {
  const found = MARKS.filter((mark) => isOnAll(index, bearers(index, places, mark), mark));
  return new Set(found);
}

/** All selected notes get a mark, or lose it when all of them have it. */
export function toggleMark(index: ScoreIndex, places: readonly Place[], mark: Mark): Action {
  const notes = bearers(index, places, mark);
  const events = notes.flatMap((place) => place.events.slice(0, 1));
  if (events.length === 0) {
    return NOTHING;
  }
  const isOn = isOnAll(index, notes, mark);
  if (mark === "fermata") {
    return { operations: [{ op: "Articulate", events, fermata: isOn ? "none" : "upright" }] };
  }
  return isOn
    ? { operations: [{ op: "Articulate", events, remove: [mark] }] }
    : { operations: [{ op: "Articulate", events, add: [mark], remove: INSTEAD[mark] ?? [] }] };
}

/** The selected notes; at empty time the one before, which was just written. A rest is none. */
export function notesOf(index: ScoreIndex, places: readonly Place[]): readonly Place[] {
  return places.every(({ kind }) => kind === "rest") ? [] : targets(index, places);
}

/** What a mark is put on; a fermata also on rests, where no note is selected. */
function bearers(index: ScoreIndex, places: readonly Place[], mark: Mark): readonly Place[] {
  const notes = notesOf(index, places);
  if (mark !== "fermata") {
    return notes;
  }
  const held = notes.filter(({ kind }) => kind === "chord");
  return held.length > 0 ? held : places.filter(({ kind }) => kind === "rest");
}

function isOnAll(index: ScoreIndex, notes: readonly Place[], mark: Mark): boolean {
  return notes.length > 0 && notes.every((place) => isOn(index, place, mark));
}

/** A chord has what any of its notes has. */
function isOn({ facets }: ScoreIndex, { events }: Place, mark: Mark): boolean {
  return events.some((id) => {
    const notation = entryOf(facets, "nx", id);
    return mark === "fermata"
      ? asText(notation["fermata"]) !== ""
      : asTexts(notation["articulations"]).includes(mark);
  });
}
