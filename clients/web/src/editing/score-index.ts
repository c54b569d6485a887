import {
  addTimes,
  compareTimes,
  type Facets,
  type Rational,
  subtractTimes,
  type View,
} from "bandpro-score";
import type { Place } from "../engraving/places.ts";
import { firstVoice, VOICES_OF_STAFF } from "../engraving/staves.ts";

/** A moment in a voice, where something is or could be written. */
export interface Spot {
  readonly part: string;
  readonly staff: number;
  readonly voice: number;
  readonly measure: string;
  readonly onset: Rational;
}

/** What is where in a score as it is shown; made anew with each change. */
export class ScoreIndex {
  readonly view: View;
  readonly facets: Facets;
  readonly places: readonly Place[];
  readonly #byId = new Map<string, number>();
  readonly #measures: ReadonlyMap<string, number>;

  constructor(view: View, facets: Facets, places: readonly Place[]) {
    this.view = view;
    this.facets = facets;
    this.places = places;
    this.#measures = new Map(view.measures.map((measure, index) => [measure.id, index]));
    for (const [index, place] of places.entries()) {
      this.#byId.set(place.id, index);
      for (const id of place.events) {
        this.#byId.set(id, index);
      }
    }
  }

  /** The place of a note, a rest or empty time by its id. */
  place(id: string): Place | null {
    return this.places[this.#byId.get(id) ?? -1] ?? null;
  }

  /**
   * What is at a moment of a voice; where the voice has nothing, empty time under the id of what
   * the staff has there; null where it has nothing either.
   */
  at(spot: Spot): Place | null {
    const here = this.places.filter(
      (place) =>
        place.part === spot.part &&
        place.staff === spot.staff &&
        place.measure === spot.measure &&
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
    const { id, measureIndex } = shown;
    return {
      ...{ id, kind: "gap", part, staff, voice, measure, measureIndex, onset, duration },
      events: [],
    };
  }

  /** Whether a place is drawn as such: empty time of another voice than the first one is not. */
  isDrawn(place: Place): boolean {
    const drawn = this.place(place.id);
    return drawn?.voice === place.voice && drawn.kind === place.kind;
  }

  /** The voices of a staff as musicians count them, by their numbers within the part. */
  voicesOf({ part, staff }: Pick<Spot, "part" | "staff">): readonly number[] {
    const found = Array.from({ length: VOICES_OF_STAFF }, (_, at) => firstVoice(staff) + at);
    const own = new Set<number>();
    const elsewhere = new Set<number>();
    for (const place of this.places) {
      if (place.part === part && place.kind !== "gap") {
        (place.staff === staff ? own : elsewhere).add(place.voice);
      }
    }
    // Files count voices in other ways; what is there comes first.
    const free = found.filter((voice) => !own.has(voice) && !elsewhere.has(voice));
    return [...[...own].sort((a, b) => a - b), ...free].slice(0, VOICES_OF_STAFF);
  }

  /** The neighbour in the voice, over barlines. */
  neighbour(place: Place, by: 1 | -1): Place | null {
    const at = this.#byId.get(place.id);
    if (at === undefined || !this.isDrawn(place)) {
      return this.#nearest(place, by, (other) => other.voice === place.voice);
    }
    for (let index = at + by; ; index += by) {
      const other = this.places[index];
      if (!other || other.part !== place.part || other.staff !== place.staff) {
        return null;
      }
      const isOnward = (other.measureIndex - place.measureIndex) * by >= 0;
      if (isOnward && (other.voice === place.voice || this.#isOnlyVoice(other, place.voice))) {
        return other;
      }
    }
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
  beside(place: Place, by: 1 | -1): Place | null {
    return this.#nearest(place, by, (other) => other.kind !== "grace");
  }

  #nearest(place: Place, by: 1 | -1, isSought: (other: Place) => boolean): Place | null {
    let found: Place | null = null;
    for (const other of this.places) {
      if (
        other.part === place.part &&
        other.staff === place.staff &&
        inTime(other, place) * by > 0 &&
        (!found || inTime(other, found) * by < 0) &&
        isSought(other)
      ) {
        found = other;
      }
    }
    return found;
  }

  /** What sounds at the same time on the staff above or below. */
  acrossStaves(place: Place, by: 1 | -1): Place | null {
    const staves = this.#staves();
    const own = staves.findIndex((each) => each.part === place.part && each.staff === place.staff);
    const target = staves[own + by];
    if (own < 0 || !target) {
      return null;
    }
    const { measure, onset } = place;
    const [voice = 1] = this.voicesOf(target);
    return this.at({ ...target, voice, measure, onset });
  }

  /** All places between two of one voice, both included. */
  between(a: Place, b: Place): readonly Place[] {
    const [first, last] = [this.#byId.get(a.id), this.#byId.get(b.id)];
    if (first === undefined || last === undefined) {
      return [];
    }
    return this.places
      .slice(Math.min(first, last), Math.max(first, last) + 1)
      .filter((place) => place.part === a.part && place.staff === a.staff);
  }

  /** The next measure; null after the last one. */
  measureAfter(measure: string): string | null {
    const at = this.#measures.get(measure);
    return at === undefined ? null : (this.view.measures[at + 1]?.id ?? null);
  }

  /** How long a measure is for a part, in quarter notes. */
  length(measure: string, part: string): Rational {
    const view = this.view.measures[this.#measures.get(measure) ?? -1];
    const cell = view?.cells.find((each) => each.part === part);
    return cell?.length ?? view?.length ?? { numerator: 4n, denominator: 1n };
  }

  /** When the next note or rest of a voice begins, from a moment on; at most the measure's end. */
  freeUntil(spot: Spot): Rational {
    let end = this.length(spot.measure, spot.part);
    for (const place of this.places) {
      if (
        place.part === spot.part &&
        place.measure === spot.measure &&
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

  #isOnlyVoice(place: Place, voice: number): boolean {
    // A measure in which the voice has nothing is passed through another one.
    return !this.places.some(
      (each) =>
        each.part === place.part &&
        each.staff === place.staff &&
        each.measure === place.measure &&
        (each.voice === voice || each.voice < place.voice),
    );
  }

  #staves(): readonly { part: string; staff: number }[] {
    const seen = new Map<string, { part: string; staff: number }>();
    for (const { part, staff } of this.places) {
      seen.set(JSON.stringify([part, staff]), { part, staff });
    }
    return [...seen.values()];
  }
}

export function endOf(place: Place): Rational {
  return addTimes(place.onset, place.duration);
}

/** Which of two places begins first. */
function inTime(a: Place, b: Place): number {
  return a.measureIndex - b.measureIndex || compareTimes(a.onset, b.onset);
}
