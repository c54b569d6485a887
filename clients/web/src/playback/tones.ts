import { readTime, STEP_SEMITONES, toNumber } from "bandpro-score";
import { pitchOf } from "../editing/pitches.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asEntry, asNumber, entryOf } from "../engraving/entries.ts";

/** A tone to be heard: when it begins and how long it lasts, in quarters from its measure's start. */
export interface Tone {
  readonly id: string;
  readonly part: string;
  readonly start: number;
  readonly duration: number;
  readonly hertz: number;
}

const A4_HERTZ = 440;
const A4_SEMITONES = 57;
const USUAL_TEMPO = 80;
const TEMPO_MIN = 20;
const TEMPO_MAX = 400;

/** The tones of one measure; what is tied to the note before sounds on with it. */
export function tonesOf(index: ScoreIndex, measure: string): readonly Tone[] {
  const held = tiesOf(index);
  return index
    .inMeasure(measure)
    .filter((place) => place.kind === "chord")
    .flatMap((place) =>
      place.events.flatMap((id) => {
        const pitch = pitchOf(index.facets, id);
        if (!pitch || held.isTiedTo.has(id)) {
          return [];
        }
        const written = (STEP_SEMITONES.get(pitch.step) ?? 0) + (pitch.alter ?? 0);
        const semitones = 12 * pitch.octave + written + shiftOf(index, place.part);
        return [
          {
            id,
            part: place.part,
            start: toNumber(place.onset),
            duration: toNumber(place.duration) + held.more(id),
            hertz: A4_HERTZ * 2 ** ((semitones - A4_SEMITONES) / 12),
          },
        ];
      }),
    )
    .sort((a, b) => a.start - b.start);
}

/** How many semitones higher than written a part sounds. */
function shiftOf(index: ScoreIndex, part: string): number {
  const transposition = asEntry(entryOf(index.facets, "parts", part)["transposition"]);
  return asNumber(transposition?.["chromatic"], 0);
}

function tiesOf(index: ScoreIndex) {
  const next = new Map<string, string>();
  for (const id of index.view.spanners) {
    const line = entryOf(index.facets, "sp", id);
    if (line["kind"] === "tie") {
      next.set(String(line["start"]), String(line["end"]));
    }
  }
  return {
    isTiedTo: new Set(next.values()),
    /** How long the notes tied to one last. */
    more(id: string): number {
      let [sum, at] = [0, next.get(id)];
      for (let count = 0; at !== undefined && count < next.size; count += 1) {
        const place = index.place(at);
        sum += place ? toNumber(place.duration) : 0;
        at = next.get(at);
      }
      return sum;
    },
  };
}

/** Quarters a minute in a measure. */
export function tempoOf(index: ScoreIndex, measure: string): number {
  let tempo = USUAL_TEMPO;
  for (const view of index.view.measures) {
    for (const key of view.settings.filter((each) => each.startsWith("tempo|"))) {
      const { unit, bpm } = entryOf(index.facets, "attr", key);
      const beat = readTime(unit);
      tempo = asNumber(bpm, tempo) * (beat ? toNumber(beat) : 1);
    }
    if (view.id === measure) {
      break;
    }
  }
  return Math.max(TEMPO_MIN, Math.min(TEMPO_MAX, tempo));
}
