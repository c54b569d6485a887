import { compareTimes, type Operation, type Rational, readTime, type Time } from "bandpro-score";
import { asNumber, asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { onsetOf, signPlace } from "../engraving/signs.ts";
import { USUAL_TEMPO } from "../playback/tones.ts";
import { timeOf } from "./actions.ts";
import type { ScoreIndex } from "./score-index.ts";

/** How fast: so many of a note value in a minute, and what stands before that. */
export interface Tempo {
  /** In quarter notes. */
  readonly unit: Time;
  readonly bpm: number;
  readonly text: string;
}

/** What holds at a place. */
export interface Held {
  readonly tempo: Tempo;
  /** Where in the measure it is written; null where it was written before. */
  readonly at: Time | null;
}

export const BPM_MIN = 20;
export const BPM_MAX = 400;
/** What a score is played in that says nothing. */
export const FIRST_TEMPO: Tempo = { unit: [1, 1], bpm: USUAL_TEMPO, text: "" };

/** The tempo that holds at a place; null before there is any. */
export function tempoAt({ view, facets }: ScoreIndex, place: Place): Held | null {
  let held: Held | null = null;
  for (const measure of view.measures) {
    const isHere = measure.id === place.measure;
    for (const key of measure.settings.filter((each) => each.startsWith("tempo|"))) {
      const { at, value } = signPlace(facets, key, measure.id);
      const onset = onsetOf(at);
      if (isHere && compareTimes(onset, place.onset) > 0) continue;
      const [numerator, denominator] = Array.isArray(value["unit"]) ? value["unit"] : [];
      const unit = [asNumber(numerator, 1), asNumber(denominator, 1)] as const;
      const tempo = { unit, bpm: asNumber(value["bpm"], 0), text: asText(value["text"]) };
      const isOwn = isHere && key.split("|")[1] === measure.id;
      held = { tempo, at: isOwn ? timeOf(onset) : null };
    }
    if (isHere) break;
  }
  return held;
}

/** Another tempo from the measure of a place on; null takes away what is written in it. */
export function setTempo(index: ScoreIndex, place: Place, tempo: Tempo | null): Operation[] {
  const { measure } = place;
  const own = tempoAt(index, place)?.at ?? null;
  if (tempo === null && own === null) {
    return [];
  }
  const at = own ?? ([0, 1] as const);
  const marks = marksAt(index, measure, readTime(at));
  const gone: Operation[] = marks.length > 0 ? [{ op: "DeleteElements", elements: marks }] : [];
  return [...gone, { op: "ChangeSetting", kind: "tempo", measure, at, value: written(tempo) }];
}

function written(tempo: Tempo | null) {
  if (tempo === null) {
    return null;
  }
  const { unit, bpm, text } = tempo;
  return { unit: [...unit], bpm, ...(text === "" ? {} : { text }) };
}

/** The marks that a file has for a tempo: they would go on saying what it was. */
function marksAt({ view, facets }: ScoreIndex, measure: string, at: Rational | null): string[] {
  const own = view.measures.find((each) => each.id === measure);
  return (own?.cells ?? []).flatMap(({ directions }) =>
    directions.filter((id) => {
      const { kind, onset } = entryOf(facets, "dir", id);
      const found = kind === "metronome" && at ? readTime(onset) : null;
      return found !== null && at !== null && compareTimes(found, at) === 0;
    }),
  );
}
