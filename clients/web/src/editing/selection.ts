// What is selected, how that grows and moves, and the places that it stands for.
import { compareTimes, subtractTimes } from "bandpro-score";
import type { Place } from "../engraving/places.ts";
import { spotOf } from "./actions.ts";
import { endOf, type ScoreIndex, type Spot } from "./score-index.ts";

/** A moment of a voice, or things written, from one to another. */
export type Selection =
  | { readonly kind: "none" }
  | { readonly kind: "spot"; readonly spot: Spot }
  | { readonly kind: "things"; readonly from: string; readonly to: string };

export const NOTHING_SELECTED: Selection = { kind: "none" };

/** What somebody sees selected, in the order of the page. */
export function placesIn(index: ScoreIndex, selection: Selection): readonly Place[] {
  if (selection.kind === "spot") {
    const place = index.at(selection.spot);
    return place ? [place] : [];
  }
  if (selection.kind === "none") {
    return [];
  }
  const [from, to] = [index.place(selection.from), index.place(selection.to)];
  const only = from ?? to;
  if (!only) {
    return [];
  }
  return from && to ? index.between(from, to) : [only];
}

/** One place alone. */
export function only(place: Place): Selection {
  return place.kind === "gap"
    ? { kind: "spot", spot: spotOf(place) }
    : { kind: "things", from: place.id, to: place.id };
}

/** From where the selection began to a place. */
export function extendedTo(index: ScoreIndex, selection: Selection, place: Place): Selection {
  const [first] = placesIn(index, selection);
  if (!first || first.part !== place.part || first.staff !== place.staff) {
    return only(place);
  }
  const from = selection.kind === "things" ? selection.from : first.id;
  return { kind: "things", from, to: place.id };
}

/** A moment; one behind the end of its measure is in a later one. */
export function atMoment(index: ScoreIndex, spot: Spot): Selection {
  let { measure, onset } = spot;
  for (;;) {
    const length = index.length(measure, spot.part);
    const next = compareTimes(onset, length) >= 0 ? index.measureAfter(measure) : null;
    if (next === null) break;
    [measure, onset] = [next, subtractTimes(onset, length)];
  }
  return { kind: "spot", spot: { ...spot, measure, onset } };
}

/** An arrow: the neighbour in the voice; null where there is none. */
export function beside(
  index: ScoreIndex,
  selection: Selection,
  by: 1 | -1,
  isExtending: boolean,
): Selection | null {
  const selected = placesIn(index, selection);
  // As in a text: what is selected is left at the end that the arrow points to.
  const end = by > 0 ? selected.at(-1) : selected[0];
  const head = (isExtending && selection.kind === "things" && index.place(selection.to)) || end;
  if (!head) {
    return index.first && only(index.first);
  }
  if (!index.isDrawn(head)) {
    // The voice has nothing here: the cursor goes along what the others have.
    const next = index.beside(head, by);
    return next && atMoment(index, { ...spotOf(next), voice: head.voice });
  }
  const next = index.neighbour(head, by);
  if (next) {
    return isExtending ? extendedTo(index, selection, next) : only(next);
  }
  return by === 1 && !isExtending ? behind(index, head) : null;
}

/** Behind the last note of a voice, where its time is empty and not drawn. */
function behind(index: ScoreIndex, head: Place): Selection | null {
  const onset = endOf(head);
  const length = index.length(head.measure, head.part);
  const isInside = compareTimes(onset, length) < 0;
  // A measure may have more in it than fits: the next one begins with its beginning all the same.
  return isInside || index.measureAfter(head.measure) !== null
    ? atMoment(index, { ...spotOf(head), onset: isInside ? onset : length })
    : null;
}

/** The same moment in another voice of the staff, counted from 1. */
export function inVoice(
  index: ScoreIndex,
  selection: Selection,
  ordinal: number,
): Selection | null {
  const [first] = placesIn(index, selection);
  const voice = first && index.voicesOf(first)[ordinal - 1];
  return first && voice !== undefined ? atMoment(index, { ...spotOf(first), voice }) : null;
}

/** The same moment on the staff above or below. */
export function acrossStaves(
  index: ScoreIndex,
  selection: Selection,
  by: 1 | -1,
): Selection | null {
  const [first] = placesIn(index, selection);
  const next = first && index.acrossStaves(first, by);
  return next ? atMoment(index, spotOf(next)) : null;
}

/** All that the voice of the cursor has, from the beginning to the end. */
export function allOfVoice(index: ScoreIndex, selection: Selection): Selection | null {
  const own = placesIn(index, selection)[0] ?? index.first;
  const line = index.places.filter(
    ({ part, staff, voice }) => part === own?.part && staff === own.staff && voice === own.voice,
  );
  const [from, to] = [line[0], line.at(-1)];
  return from && to ? { kind: "things", from: from.id, to: to.id } : null;
}
