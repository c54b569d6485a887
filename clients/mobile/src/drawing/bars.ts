import { toNumber } from "bandpro-score";
import type { ScoreIndex } from "../../../web/src/editing/score-index.ts";
import { MeasureAccidentals } from "../../../web/src/engraving/accidentals.ts";
import {
  nearestValue,
  PLAIN,
  typedValue,
  type WrittenValue,
  writtenValue,
} from "../../../web/src/engraving/durations.ts";
import { asNumber, asText, entryOf } from "../../../web/src/engraving/entries.ts";
import { type Line, type Lines, linesOf } from "../../../web/src/engraving/lines.ts";
import type { Place } from "../../../web/src/engraving/places.ts";
import { SignWalk, type StaffSigns } from "../../../web/src/engraving/signs.ts";
import { partStaves, type Staff } from "../../../web/src/engraving/staves.ts";
import { syllablesOf } from "../../../web/src/engraving/syllables.ts";
import { pitchAttributes } from "../../../web/src/engraving/voice.ts";

/** A note of a chord; `step` counts the scale from C0, null for what has no pitch. */
export interface Note {
  readonly id: string;
  readonly step: number | null;
  readonly accidental: string | null;
}

/** What a place shows, read once. */
export interface Sign {
  readonly place: Place;
  readonly onset: number;
  readonly value: WrittenValue;
  /** The lowest first; none for rests. */
  readonly notes: readonly Note[];
  /** For stems: whether its voice is alone on the staff, or the upper one. */
  readonly voices: "alone" | "upper" | "lower";
  readonly syllable: string;
}

/** One staff in one measure. */
export interface Bar {
  readonly staff: Staff;
  readonly begins: StaffSigns;
  readonly signs: readonly Sign[];
}

/** All staves in one measure. */
export interface MeasureBars {
  readonly id: string;
  readonly number: string;
  readonly bars: readonly Bar[];
}

/** A score, ready to be laid out. */
export interface Sheet {
  readonly measures: readonly MeasureBars[];
  readonly staves: readonly Staff[];
  readonly ties: readonly Line[];
}

const STEPS = "CDEFGAB";

/** Reads what is to be drawn, with the editor's own rules for values and accidentals. */
export function sheetOf(index: ScoreIndex): Sheet {
  const { view, facets } = index;
  const staves = partStaves(view, facets).flatMap((part) => part.staves);
  const lines = linesOf(view, facets);
  const walk = new SignWalk(facets, staves);
  const syllables = syllablesOf(facets);
  const tuplets = ratios(index, lines);
  const byBar = new Map<string, Place[]>();
  for (const place of index.places) {
    const key = barKey(place.measure, place);
    byBar.set(key, [...(byBar.get(key) ?? []), place]);
  }
  const measures = view.measures.map((measure): MeasureBars => {
    const begins = walk.enter(measure).staves;
    const bars = staves.flatMap((staff): Bar[] => {
      const own = begins.get(staff.number);
      const places = byBar.get(barKey(measure.id, { part: staff.part, staff: staff.within })) ?? [];
      if (own === undefined) return [];
      const accidentals = new MeasureAccidentals(own.signs.key);
      const voices = new Set(places.map((place) => place.voice));
      const first = Math.min(...voices);
      const signs = [...places]
        .sort((a, b) => toNumber(a.onset) - toNumber(b.onset))
        .map((place): Sign => {
          const notes = place.kind === "rest" || place.kind === "gap" ? [] : place.events;
          const sung = syllables.get(place.events[0] ?? "")?.[0]?.[1];
          return {
            place,
            onset: toNumber(place.onset),
            value: noteValue(index, place, tuplets.get(place.id)),
            notes: notes
              .map((id) => noteOf(index, id, accidentals, lines))
              .sort((a, b) => (a.step ?? 0) - (b.step ?? 0)),
            voices: voices.size < 2 ? "alone" : place.voice === first ? "upper" : "lower",
            syllable: asText(sung?.["text"]),
          };
        });
      return [{ staff, begins: own, signs }];
    });
    const number = asText(entryOf(facets, "measures", measure.id)["number"]);
    return { id: measure.id, number, bars };
  });
  const curves = [...lines.curves.values()].flat();
  return { measures, staves, ties: curves.filter(({ kind }) => kind === "tie") };
}

function barKey(measure: string, { part, staff }: { part: string; staff: number }): string {
  return JSON.stringify([measure, part, staff]);
}

function noteOf(
  { facets }: ScoreIndex,
  id: string,
  accidentals: MeasureAccidentals,
  lines: Lines,
): Note {
  const drawn = pitchAttributes(id, facets, accidentals, lines.tied.has(id));
  const step = STEPS.indexOf(String(drawn["pname"] ?? "").toUpperCase());
  const isPitched = step >= 0 && drawn["pname"] !== undefined;
  return {
    id,
    step: isPitched ? asNumber(drawn["oct"], 4) * STEPS.length + step : null,
    accidental: typeof drawn["accid"] === "string" ? drawn["accid"] : null,
  };
}

function noteValue(
  { facets }: ScoreIndex,
  { events, duration, kind }: Place,
  ratio = PLAIN,
): WrittenValue {
  const event = entryOf(facets, "ev", events[0] ?? "");
  const typed = typedValue(event["type"], event["dots"]);
  if (kind === "grace") return typed ?? { dur: "8", dots: 0 };
  return writtenValue(duration, ratio) ?? typed ?? nearestValue(duration, ratio);
}

/** The tuplets that places are in. */
function ratios(
  index: ScoreIndex,
  lines: Lines,
): ReadonlyMap<string, { actual: number; normal: number }> {
  const found = new Map<string, { actual: number; normal: number }>();
  for (const [start, tuplet] of lines.tuplets) {
    const [first, last] = [index.place(start), index.place(tuplet.end)];
    for (const place of first && last ? index.between(first, last) : []) {
      if (place.voice === first?.voice) found.set(place.id, tuplet);
    }
  }
  return found;
}
