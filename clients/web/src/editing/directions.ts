import { compareTimes, type Operation, readTime, ZERO_TIME } from "bandpro-score";
import { asNumber, asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { timeOf } from "./actions.ts";
import type { ScoreIndex } from "./score-index.ts";

export type TextKind = "dynamics" | "words" | "rehearsal";

/** A sign or words, by their id. */
export interface Text {
  readonly id: string;
  readonly text: string;
}

type Spot = Pick<Place, "part" | "staff" | "measure" | "onset">;

/** What stands at a place; a rehearsal mark at its measure, in whichever part. */
export function textAt({ view, facets }: ScoreIndex, kind: TextKind, place: Spot): Text | null {
  const measure = view.measures.find((each) => each.id === place.measure);
  const cells = measure?.cells.filter((each) => kind === "rehearsal" || each.part === place.part);
  for (const id of cells?.flatMap((cell) => cell.directions) ?? []) {
    const { kind: own, onset, staff, text } = entryOf(facets, "dir", id);
    const at = own === kind ? readTime(onset) : null;
    const isHere = at && compareTimes(at, place.onset) === 0 && asNumber(staff, 1) === place.staff;
    if (at && (kind === "rehearsal" || isHere)) {
      return { id, text: asText(text) };
    }
  }
  return null;
}

/** Another text at a place, instead of what stands there; empty text takes it away. */
export function setText(index: ScoreIndex, kind: TextKind, place: Spot, text: string): Operation[] {
  const former = textAt(index, kind, place);
  if (former?.text === text) {
    return [];
  }
  const gone: Operation[] = former ? [{ op: "DeleteElements", elements: [former.id] }] : [];
  if (text === "") {
    return gone;
  }
  // A rehearsal mark is for all: it stands over the first part, where the measure begins.
  const [top = place.part] = index.view.parts;
  const isForAll = kind === "rehearsal";
  const [part, onset] = isForAll ? [top, ZERO_TIME] : [place.part, place.onset];
  const placement = kind === "dynamics" ? "below" : "above";
  const { measure } = place;
  // Without one it is the upper staff of a part.
  const staff = isForAll || place.staff === 1 ? {} : { staff: place.staff };
  const fields = { text, placement, ...staff };
  const at = timeOf(onset);
  return [...gone, { op: "AddDirection", part, measure, onset: at, kind, fields }];
}

/** The letter behind those that are there: A, B ... Z; nothing where they are no letters. */
export function nextMark({ view, facets }: ScoreIndex): string {
  const marks = view.measures
    .flatMap(({ cells }) => cells.flatMap((cell) => cell.directions))
    .map((id) => entryOf(facets, "dir", id))
    .filter((value) => value["kind"] === "rehearsal")
    .map((value) => asText(value["text"]));
  const last = marks.sort().at(-1) ?? "@";
  return /^[@A-Y]$/.test(last) ? String.fromCharCode(last.charCodeAt(0) + 1) : "";
}
