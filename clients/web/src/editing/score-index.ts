import {
  addTimes,
  compareTimes,
  type Facets,
  type MeasureView,
  type Rational,
  subtractTimes,
  type View,
} from "bandpro-score";
import type { WrittenMeasure } from "../engraving/measures.ts";
import type { Place } from "../engraving/places.ts";
import { firstVoice, type Staff, VOICES_OF_STAFF } from "../engraving/staves.ts";
import type { Writing } from "../engraving/writer.ts";

/** A moment in a voice, where something is or could be written. */
export interface Spot {
  readonly part: string;
  readonly staff: number;
  readonly voice: number;
  readonly measure: string;
  readonly onset: Rational;
}

/** A staff of a part. */
export type OnStaff = Pick<Spot, "part" | "staff">;

/** A moment of a staff, whichever voice. */
type Moment = Omit<Spot, "voice">;

const NONE: readonly Place[] = [];
/** Places by their ids and those of their events; what was written once is looked through once. */
const known = new WeakMap<WrittenMeasure, ReadonlyMap<string, Place>>();

/** What is where in a score as it is shown; made anew with each change, at little cost. */
export class ScoreIndex {
  readonly view: View;
  readonly facets: Facets;
  readonly #writing: Writing;
  readonly #measures: ReadonlyMap<string, number>;
  /** Where each staff is, by its part and its number within that. */
  readonly #rows: ReadonlyMap<string, number>;
  readonly #voices = new Map<string, readonly number[]>();
  #places: readonly Place[] | null = null;

  constructor(view: View, facets: Facets, writing: Writing) {
    this.view = view;
    this.facets = facets;
    this.#writing = writing;
    this.#measures = new Map(view.measures.map((measure, index) => [measure.id, index]));
    this.#rows = new Map(
      writing.staves.map(({ part, within }, row) => [keyOf({ part, staff: within }), row]),
    );
  }

  /** From the top of the page. */
  get staves(): readonly Staff[] {
    return this.#writing.staves;
  }

  /** Where a staff is among all, from 0; -1 for one that is not there. */
  staffIndex(staff: OnStaff): number {
    return this.#rows.get(keyOf(staff)) ?? -1;
  }

  /** The staff so many under another; null where there is none. */
  staffBeside(staff: OnStaff, by: number): OnStaff | null {
    const own = this.staffIndex(staff);
    const found = own < 0 ? undefined : this.staves[own + by];
    return found ? { part: found.part, staff: found.within } : null;
  }

  /** All places, part by part, then voice by voice, each in the order of time; not for each key. */
  get places(): readonly Place[] {
    this.#places ??= this.#writing.staves.flatMap(({ part, within }) => {
      const voices = new Map<number, Place[]>();
      for (const place of this.#writing.measures.flatMap((measure) => measure.places)) {
        if (place.part === part && place.staff === within) {
          const line = voices.get(place.voice) ?? [];
          voices.set(place.voice, line);
          line.push(place);
        }
      }
      return [...voices].sort(([a], [b]) => a - b).flatMap(([, line]) => line);
    });
    return this.#places;
  }

  /** Where the score begins; null when there is nothing. */
  get first(): Place | null {
    return this.#writing.measures[0]?.places[0] ?? null;
  }

  /** The places of one measure: by part and staff, then voice by voice, each in time's order. */
  inMeasure(measure: string): readonly Place[] {
    return this.#writing.measures[this.measureIndex(measure)]?.places ?? NONE;
  }

  /** The place of a note, a rest or empty time by its id. */
  place(id: string): Place | null {
    for (const measure of this.#writing.measures) {
      const found = placesById(measure).get(id);
      if (found) {
        return found;
      }
    }
    return null;
  }

  /**
   * What is at a moment of a voice; where the voice has nothing, empty time under the id of what
   * the staff has there; null where it has nothing either.
   */
  at(spot: Spot): Place | null {
    const here = this.#onStaff(spot.measure, spot).filter(
      (place) =>
        place.kind !== "grace" &&
        compareTimes(place.onset, spot.onset) <= 0 &&
        compareTimes(spot.onset, endOf(place)) < 0,
    );
    const own = here.find((place) => place.voice === spot.voice);
    const [shown] = here;
    if (own || !shown) {
      return own ?? null;
    }
    const duration = subtractTimes(this.freeUntil(spot), spot.onset);
    const { part, staff, voice, measure, onset } = spot;
    const { id } = shown;
    return { id, kind: "gap", part, staff, voice, measure, onset, duration, events: [] };
  }

  /** Whether a place is drawn as such: empty time of another voice than the first one is not. */
  isDrawn(place: Place): boolean {
    const own = this.#writing.measures[this.measureIndex(place.measure)];
    const drawn = own && placesById(own).get(place.id);
    return drawn?.voice === place.voice && drawn.kind === place.kind;
  }

  /** The voices of a staff as musicians count them, by their numbers within the part. */
  voicesOf(staff: OnStaff): readonly number[] {
    const known = this.#voices.get(keyOf(staff)) ?? this.#voicesOf(staff);
    this.#voices.set(keyOf(staff), known);
    return known;
  }

  #voicesOf({ part, staff }: OnStaff): readonly number[] {
    const found = Array.from({ length: VOICES_OF_STAFF }, (_, at) => firstVoice(staff) + at);
    const own = new Set<number>();
    const elsewhere = new Set<number>();
    for (const { places } of this.#writing.measures) {
      for (const place of places) {
        if (place.part === part && place.kind !== "gap") {
          (place.staff === staff ? own : elsewhere).add(place.voice);
        }
      }
    }
    // Files count voices in other ways; what is there comes first.
    const free = found.filter((voice) => !own.has(voice) && !elsewhere.has(voice));
    return [...[...own].sort((a, b) => a - b), ...free].slice(0, VOICES_OF_STAFF);
  }

  /** The neighbour in the voice, over barlines. */
  neighbour(place: Place, by: 1 | -1): Place | null {
    if (!this.isDrawn(place)) {
      return this.#nearest(place, by, (other) => other.voice === place.voice);
    }
    const line = this.#line(place.measure, place, place.voice);
    const beside = line[line.findIndex((each) => each.id === place.id) + by];
    if (beside) {
      return beside;
    }
    const measure = this.#beside(place.measure, by);
    const next = measure === null ? NONE : this.#line(measure, place, place.voice);
    return (by > 0 ? next[0] : next.at(-1)) ?? null;
  }

  /** The next note or chord of the voice, past rests, empty time and grace notes. */
  chordBeside(place: Place, by: 1 | -1): Place | null {
    let at = this.neighbour(place, by);
    while (at && at.kind !== "chord") {
      at = this.neighbour(at, by);
    }
    return at;
  }

  /** What begins next on the staff, or began last, in whichever voice. */
  beside(place: Moment, by: 1 | -1): Place | null {
    return this.#nearest(place, by, (other) => other.kind !== "grace");
  }

  /** What begins next on the staff, or began last, of what is sought. */
  #nearest(place: Moment, by: 1 | -1, isSought: (other: Place) => boolean): Place | null {
    for (let at: string | null = place.measure; at !== null; at = this.#beside(at, by)) {
      const isHere = at === place.measure;
      const [nearest] = this.#onStaff(at, place)
        .filter((other) => !isHere || compareTimes(other.onset, place.onset) * by > 0)
        .filter(isSought)
        .sort((a, b) => compareTimes(a.onset, b.onset) * by);
      if (nearest) {
        return nearest;
      }
    }
    return null;
  }

  /** What sounds at the same time on the staff above or below. */
  acrossStaves(place: Place, by: 1 | -1): Place | null {
    const beside = this.staffBeside(place, by);
    if (!beside) {
      return null;
    }
    const { measure, onset } = place;
    const [voice = 1] = this.voicesOf(beside);
    return this.at({ ...beside, voice, measure, onset });
  }

  /** All places between two of one voice, both included. */
  between(a: Place, b: Place): readonly Place[] {
    const [from, to] = this.#order(a, b) <= 0 ? [a, b] : [b, a];
    const [first, last] = [this.#measures.get(from.measure), this.#measures.get(to.measure)];
    if (first === undefined || last === undefined) {
      return [];
    }
    return this.view.measures.slice(first, last + 1).flatMap(({ id }) => {
      const line = this.#line(id, from, from.voice);
      const begin = id === from.measure ? line.findIndex((each) => each.id === from.id) : 0;
      const end = id === to.measure ? line.findIndex((each) => each.id === to.id) : line.length;
      // An end in another voice is taken in by itself.
      return end < 0 ? [...line.slice(Math.max(0, begin)), to] : line.slice(begin, end + 1);
    });
  }

  /** Where a measure is among all that are shown, from 0; -1 for one that is not. */
  measureIndex(measure: string): number {
    return this.#measures.get(measure) ?? -1;
  }

  /** The next measure; null after the last one. */
  measureAfter(measure: string): string | null {
    return this.#beside(measure, 1);
  }

  /** How long a measure is for a part, in quarter notes. */
  length(measure: string, part: string): Rational {
    const view: MeasureView | undefined = this.view.measures[this.measureIndex(measure)];
    const cell = view?.cells.find((each) => each.part === part);
    return cell?.length ?? view?.length ?? { numerator: 4n, denominator: 1n };
  }

  /** When the next note or rest of a voice begins, from a moment on; at most the measure's end. */
  freeUntil(spot: Spot): Rational {
    let end = this.length(spot.measure, spot.part);
    for (const place of this.inMeasure(spot.measure)) {
      if (
        place.part === spot.part &&
        place.voice === spot.voice &&
        place.kind === "chord" &&
        compareTimes(place.onset, spot.onset) >= 0 &&
        compareTimes(place.onset, end) < 0
      ) {
        end = place.onset;
      }
    }
    return end;
  }

  #beside(measure: string, by: 1 | -1): string | null {
    const at = this.#measures.get(measure);
    return at === undefined ? null : (this.view.measures[at + by]?.id ?? null);
  }

  #onStaff(measure: string, { part, staff }: OnStaff): readonly Place[] {
    return this.inMeasure(measure).filter((each) => each.part === part && each.staff === staff);
  }

  /** A voice of a measure; a measure in which it has nothing is passed through another one. */
  #line(measure: string, staff: OnStaff, voice: number): readonly Place[] {
    const here = this.#onStaff(measure, staff);
    const own = here.filter((each) => each.voice === voice);
    return own.length > 0 ? own : here.filter((each) => each.voice === here[0]?.voice);
  }

  #order(a: Place, b: Place): number {
    const [first, second] = [
      this.#measures.get(a.measure) ?? 0,
      this.#measures.get(b.measure) ?? 0,
    ];
    return first - second || compareTimes(a.onset, b.onset);
  }
}

function keyOf({ part, staff }: OnStaff): string {
  return `${part}/${staff}`;
}

function placesById(measure: WrittenMeasure): ReadonlyMap<string, Place> {
  const held = known.get(measure);
  if (held) {
    return held;
  }
  const found = new Map<string, Place>();
  for (const place of measure.places) {
    for (const id of [place.id, ...place.events]) {
      found.set(id, place);
    }
  }
  known.set(measure, found);
  return found;
}

export function endOf(place: Place): Rational {
  return addTimes(place.onset, place.duration);
}
