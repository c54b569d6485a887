// What joins notes to one another: ties, slurs and tuplets.
import type { Operation } from "bandpro-score";
import { entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, durationOf, type NextValue, NOTHING, targets, write } from "./actions.ts";
import { pitchOf } from "./pitches.ts";
import type { ScoreIndex } from "./score-index.ts";

/** A tie from each selected note to the next one of its pitch; into empty time, a new note. */
export function tie(index: ScoreIndex, places: readonly Place[], value: NextValue): Action {
  const notes = targets(index, places);
  const [place] = notes;
  const next = place && index.neighbour(place, 1);
  const [only = ""] = place?.events ?? [];
  if (place && next && next.kind !== "chord" && notes.length === 1) {
    const pitch = pitchOf(index.facets, only);
    return pitch && place.events.length === 1
      ? write(index, next, pitch, durationOf(value), only)
      : NOTHING;
  }
  return toggled(
    index,
    "tie",
    notes.flatMap((note) => samePitches(index, note)),
  );
}

/** The notes of a chord, each with that of the next one that has its pitch. */
function samePitches(index: ScoreIndex, place: Place): Ends[] {
  const next = index.neighbour(place, 1);
  const heights = new Map(
    next?.kind === "chord"
      ? next.events.map((id) => [JSON.stringify(pitchOf(index.facets, id)), id] as const)
      : [],
  );
  return place.events.flatMap((start): Ends[] => {
    const end = heights.get(JSON.stringify(pitchOf(index.facets, start)));
    return end === undefined ? [] : [[start, end]];
  });
}

/** A slur over the selected notes, one in each voice; those that are there go. */
export function slur(index: ScoreIndex, places: readonly Place[]): Action {
  const notes = places.filter((place) => place.kind === "chord");
  const lines = byVoice(notes);
  const [first] = notes;
  const alone = notes.length === 1 && first ? index.chordBeside(first, 1) : null;
  const found = (first && alone ? [[first, alone]] : lines).flatMap((line): Ends[] => {
    const [start, end] = [line[0]?.events[0], line.at(-1)?.events[0]];
    return line.length > 1 && start !== undefined && end !== undefined ? [[start, end]] : [];
  });
  return toggled(index, "slur", found);
}

type Ends = readonly [start: string, end: string];

/** Lines between notes; where all of them are drawn, they go. */
function toggled(index: ScoreIndex, kind: "tie" | "slur", all: readonly Ends[]): Action {
  const lines = new Map(
    index.view.spanners
      .map((id) => [entryOf(index.facets, "sp", id), id] as const)
      .filter(([value]) => value["kind"] === kind)
      .map(([{ start, end }, id]) => [`${start} ${end}`, id]),
  );
  const drawn = all.map(([start, end]) => lines.get(`${start} ${end}`) ?? null);
  const elements = drawn.filter((id) => id !== null);
  if (all.length > 0 && elements.length === all.length) {
    return { operations: [{ op: "DeleteElements", elements }] };
  }
  const missing = all.filter((_, at) => drawn[at] === null);
  const op = kind === "tie" ? "Tie" : "Slur";
  return { operations: missing.map(([start, end]): Operation => ({ op, start, end })) };
}

/** So many selected notes in the time of fewer: three as a triplet. */
export function tuplet(places: readonly Place[]): Action {
  const events = places.filter((place) => place.kind === "chord" || place.kind === "rest");
  if (byVoice(events).length > 1) {
    return { operations: [], told: "tuplet" };
  }
  if (events.length < 2) {
    return NOTHING;
  }
  const actual = events.length;
  const normal = 2 ** Math.floor(Math.log2(actual - 1));
  return {
    operations: [{ op: "Tuplet", events: events.flatMap((place) => place.events), actual, normal }],
  };
}

/** Places by the voices that they are in. */
function byVoice(places: readonly Place[]): readonly (readonly Place[])[] {
  const lines = new Map<string, Place[]>();
  for (const place of places) {
    const key = `${place.part}/${place.voice}`;
    const line = lines.get(key) ?? [];
    lines.set(key, line);
    line.push(place);
  }
  return [...lines.values()];
}
