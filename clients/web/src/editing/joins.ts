// What joins notes to one another: ties, slurs and tuplets.
import type { Operation } from "bandpro-score";
import { entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, durationOf, type NextValue, NOTHING, targets, write } from "./actions.ts";
import { pitchOf } from "./pitches.ts";
import type { ScoreIndex } from "./score-index.ts";

/** A tie from each selected note to the next one of its pitch; into empty time, a new note. */
export function tie(index: ScoreIndex, places: readonly Place[], value: NextValue): Action {
  const [place] = targets(index, places);
  const next = place && index.neighbour(place, 1);
  if (!place || !next) {
    return NOTHING;
  }
  const [only = ""] = place.events;
  const pitch = pitchOf(index.facets, only);
  if (next.kind !== "chord") {
    return pitch && place.events.length === 1
      ? write(index, next, pitch, durationOf(value), only)
      : NOTHING;
  }
  const heights = new Map(
    next.events.map((id) => [JSON.stringify(pitchOf(index.facets, id)), id] as const),
  );
  return {
    operations: place.events.flatMap((start): Operation[] => {
      const end = heights.get(JSON.stringify(pitchOf(index.facets, start)));
      const drawn = end && lineBetween(index, "tie", start, end);
      if (drawn) {
        return [{ op: "DeleteElements", elements: [drawn] }];
      }
      return end ? [{ op: "Tie", start, end }] : [];
    }),
  };
}

/** A slur over the selected notes; the one that is there goes. */
export function slur(index: ScoreIndex, places: readonly Place[]): Action {
  const notes = places.filter((place) => place.kind === "chord");
  const [first] = notes;
  const last = notes.length > 1 ? notes.at(-1) : first && index.chordBeside(first, 1);
  const [start, end] = [first?.events[0], last?.events[0]];
  if (start === undefined || end === undefined) {
    return NOTHING;
  }
  const drawn = lineBetween(index, "slur", start, end);
  return drawn
    ? { operations: [{ op: "DeleteElements", elements: [drawn] }] }
    : { operations: [{ op: "Slur", start, end }] };
}

function lineBetween(index: ScoreIndex, kind: string, start: string, end: string): string | null {
  const found = index.view.spanners.find((id) => {
    const value = entryOf(index.facets, "sp", id);
    return value["kind"] === kind && value["start"] === start && value["end"] === end;
  });
  return found ?? null;
}

/** So many selected notes in the time of fewer: three as a triplet. */
export function tuplet(places: readonly Place[]): Action {
  const events = places.filter((place) => place.kind === "chord" || place.kind === "rest");
  if (events.length < 2) {
    return NOTHING;
  }
  const actual = events.length;
  const normal = 2 ** Math.floor(Math.log2(actual - 1));
  return {
    operations: [{ op: "Tuplet", events: events.flatMap((place) => place.events), actual, normal }],
  };
}
