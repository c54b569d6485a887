import { readTime, STEP_SEMITONES, timeText, toNumber } from "bandpro-score";
import { pitchOf } from "../editing/pitches.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asEntry, asNumber, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { heldWithin } from "./holds.ts";
import { oncePer } from "./once.ts";
import { type Touch, touchOf } from "./touch.ts";

/** A tone to be heard: when it begins and how long it lasts, in quarters from its measure's start. */
export interface Tone {
  readonly id: string;
  readonly part: string;
  readonly start: number;
  /** Of a grace note, what it lasts on with a note that it is tied to. */
  readonly duration: number;
  readonly hertz: number;
  readonly touch: Touch;
  readonly grace: Grace | null;
}

/** Where a grace note is among those before one moment. */
export interface Grace {
  /** How many there are until then, itself included. */
  readonly ahead: number;
  readonly count: number;
}

/** The measures played just before and after one; null for none. */
export interface Around {
  readonly before: string | null;
  readonly after: string | null;
}

const A4_HERTZ = 440;
const A4_SEMITONES = 57;
/** Quarters a minute of a score that says nothing. */
export const USUAL_TEMPO = 80;
const TEMPO_MIN = 20;
const TEMPO_MAX = 400;
/** Grace notes are played as fast as fingers go, whatever the tempo. */
const GRACE_S = 0.08;
/** A note that is played short can still be heard. */
const SHORTEST_S = 0.06;
/** All together before one moment; what is looked ahead when a measure is played is more. */
const GRACES_S = 0.2;

/**
 * The tones of one measure; what is tied to the note before sounds on with it, if that was played
 * just before.
 */
export function tonesOf(index: ScoreIndex, measure: string, around: Around): readonly Tone[] {
  const ties = tiesOf(index);
  const places = index.inMeasure(measure);
  const graces = gracesIn(places);
  return places
    .filter((place) => place.kind === "chord" || place.kind === "grace")
    .flatMap((place) => {
      const touch = touchOf(index, place);
      return place.events.flatMap((id) => {
        const pitch = pitchOf(index.facets, id);
        if (!pitch || ties.isHeld(id, measure, around.before)) {
          return [];
        }
        const written = (STEP_SEMITONES.get(pitch.step) ?? 0) + (pitch.alter ?? 0);
        const semitones = 12 * pitch.octave + written + shiftOf(index, place.part);
        const own = place.kind === "grace" ? 0 : toNumber(place.duration);
        const more = ties.more(id, measure, around.after);
        return [
          {
            id,
            part: place.part,
            start: toNumber(place.onset),
            duration: own + more,
            hertz: A4_HERTZ * 2 ** ((semitones - A4_SEMITONES) / 12),
            // What goes on in another note is not short.
            touch: more > 0 ? { ...touch, length: 1 } : touch,
            grace: graces.get(place) ?? null,
          },
        ];
      });
    })
    .sort((a, b) => a.start - b.start);
}

/** In seconds from the start of a measure. */
export interface Times {
  readonly from: number;
  /** When the note is over. */
  readonly until: number;
  /** When it falls silent, which a short one does before it is over. */
  readonly silentFrom: number;
}

/**
 * When a tone sounds. Grace notes come before the beat, so that their note stays on it, together
 * with the other parts.
 *
 * @param secondsAt what comes after so many quarters of the measure begins then.
 */
export function secondsOf(
  { start, duration, touch, grace }: Tone,
  secondsAt: (quarters: number) => number,
): Times {
  const beat = secondsAt(start);
  const end = secondsAt(start + duration);
  const each = grace ? Math.min(GRACE_S, GRACES_S / grace.count) : 0;
  const from = grace ? beat - grace.ahead * each : beat;
  const until = grace && duration === 0 ? from + each : end;
  const sounding = Math.max((until - from) * touch.length, SHORTEST_S);
  return { from, until, silentFrom: Math.min(until, from + sounding) };
}

/** Of the grace notes of a measure, where each is before its note. */
function gracesIn(places: readonly Place[]): ReadonlyMap<Place, Grace> {
  const rows = new Map<string, Place[]>();
  for (const place of places) {
    if (place.kind !== "grace") continue;
    const key = `${place.part} ${place.staff} ${place.voice} ${timeText(place.onset)}`;
    const row = rows.get(key) ?? [];
    rows.set(key, row);
    row.push(place);
  }
  const found = new Map<Place, Grace>();
  for (const row of rows.values()) {
    for (const [at, place] of row.entries()) {
      found.set(place, { ahead: row.length - at, count: row.length });
    }
  }
  return found;
}

/** How many semitones higher than written a part sounds. */
function shiftOf(index: ScoreIndex, part: string): number {
  const transposition = asEntry(entryOf(index.facets, "parts", part)["transposition"]);
  return asNumber(transposition?.["chromatic"], 0);
}

const tiesOf = oncePer((index: ScoreIndex) => {
  // Where there are endings, a note may be tied to one in each of them.
  const [ends, starts] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const id of index.view.spanners) {
    const line = entryOf(index.facets, "sp", id);
    if (line["kind"] === "tie") {
      const [start, end] = [String(line["start"]), String(line["end"])];
      ends.set(start, [...(ends.get(start) ?? []), end]);
      starts.set(end, [...(starts.get(end) ?? []), start]);
    }
  }
  return {
    /** Whether a note sounds already, from one in its measure or in that which was played before. */
    isHeld: (id: string, measure: string, before: string | null): boolean =>
      (starts.get(id) ?? []).some((start) => {
        const from = index.place(start)?.measure;
        return from !== undefined && (from === measure || from === before);
      }),
    /** How long the notes tied to one last that are played after it. */
    more(id: string, measure: string, after: string | null): number {
      let sum = 0;
      let [at, here]: [string, string] = [id, measure];
      for (let count = 0; count < starts.size; count += 1) {
        const tied = (ends.get(at) ?? []).map((end) => index.place(end));
        // What comes after the next measure is not known: there they go on as they are written.
        const place = tied.find((each) =>
          here === measure ? each?.measure === here || each?.measure === after : each,
        );
        const end = place?.events.find((event) => ends.get(at)?.includes(event));
        if (!place || end === undefined) break;
        // What is held on in this measure makes all of it longer.
        const held = place.measure === measure ? 0 : heldOn(index, place);
        sum += toNumber(place.duration) + held;
        [at, here] = [end, place.measure];
      }
      return sum;
    },
  };
});

function heldOn(index: ScoreIndex, { measure, onset, duration }: Place): number {
  return heldWithin(index, measure, toNumber(onset), toNumber(onset) + toNumber(duration));
}

const tempiOf = oncePer((index: ScoreIndex) => {
  const found = new Map<string, number>();
  let tempo = USUAL_TEMPO;
  for (const view of index.view.measures) {
    for (const key of view.settings.filter((each) => each.startsWith("tempo|"))) {
      const { unit, bpm } = entryOf(index.facets, "attr", key);
      const beat = readTime(unit);
      tempo = asNumber(bpm, tempo) * (beat ? toNumber(beat) : 1);
    }
    found.set(view.id, Math.max(TEMPO_MIN, Math.min(TEMPO_MAX, tempo)));
  }
  return found;
});

/** Quarters a minute in a measure. */
export function tempoOf(index: ScoreIndex, measure: string): number {
  return tempiOf(index).get(measure) ?? USUAL_TEMPO;
}
