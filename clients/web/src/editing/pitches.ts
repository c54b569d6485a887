import { compareTimes, type Facets, type View, type WrittenPitch } from "bandpro-score";
import { keyAlter } from "../engraving/accidentals.ts";
import { asNumber, asText, type Entry, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { covers, onsetOf, signPlace } from "../engraving/signs.ts";
import type { ScoreIndex, Spot } from "./score-index.ts";

const STEPS = "CDEFGAB";
const STEPS_IN_OCTAVE = 7;
const ALTER_MAX = 2;
const MIDDLE_LINE = 3;
/** What clefs stand for, on the line where they usually are; others are read like the first. */
const CLEFS: Readonly<Record<string, readonly [WrittenPitch, number]>> & {
  readonly G: readonly [WrittenPitch, number];
} = {
  G: [{ step: "G", octave: 4 }, 2],
  F: [{ step: "F", octave: 3 }, 4],
  C: [{ step: "C", octave: 4 }, 3],
  // As the engraver has them; that one knows no lines of the percussion's.
  TAB: [{ step: "C", octave: 4 }, 5],
  percussion: [{ step: "B", octave: 4 }, MIDDLE_LINE],
};

/** The pitch of a note; null for rests and what has none. */
export function pitchOf(facets: Facets, id: string): WrittenPitch | null {
  const value = entryOf(facets, "pt", id);
  const step = asText(value["step"]);
  if ("rest" in value || value["unpitched"] === true || !STEPS.includes(step) || step === "") {
    return null;
  }
  return { step, octave: asNumber(value["octave"], 4), alter: asNumber(value["alter"], 0) };
}

/** Steps of the scale above C0. */
export function height({ step, octave }: WrittenPitch): number {
  return octave * STEPS_IN_OCTAVE + STEPS.indexOf(step);
}

/** The pitch of a step that is nearest to another; of two equally near ones the lower. */
export function nearest(step: string, to: number): { step: string; octave: number } {
  const within = STEPS.indexOf(step);
  const octave = Math.ceil((to - within) / STEPS_IN_OCTAVE - 0.5);
  return { step, octave };
}

/** So many steps higher; the alteration is not carried along. */
export function stepped(pitch: WrittenPitch, by: number): { step: string; octave: number } {
  return pitchAt(height(pitch) + by);
}

/** The step so many steps of the scale above C0. */
export function pitchAt(target: number): { step: string; octave: number } {
  const within = ((target % STEPS_IN_OCTAVE) + STEPS_IN_OCTAVE) % STEPS_IN_OCTAVE;
  return { step: STEPS[within] ?? "C", octave: Math.floor(target / STEPS_IN_OCTAVE) };
}

/** Altered by semitones, within double signs; null beyond. */
export function altered(pitch: WrittenPitch, by: number): WrittenPitch | null {
  const alter = (pitch.alter ?? 0) + by;
  return Math.abs(alter) > ALTER_MAX ? null : { step: pitch.step, octave: pitch.octave, alter };
}

/** How a step is altered at a place: by what was written before in the measure, else by the key. */
export function alterAt(
  index: ScoreIndex,
  spot: Spot,
  { step, octave }: { step: string; octave: number },
): number {
  let before: { alter: number; place: Place } | null = null;
  for (const place of index.inMeasure(spot.measure)) {
    if (
      place.part !== spot.part ||
      place.staff !== spot.staff ||
      compareTimes(place.onset, spot.onset) >= 0 ||
      (before && compareTimes(place.onset, before.place.onset) < 0)
    ) {
      continue;
    }
    for (const id of place.events) {
      const pitch = pitchOf(index.facets, id);
      if (pitch && pitch.step === step && pitch.octave === octave) {
        before = { alter: pitch.alter ?? 0, place };
      }
    }
  }
  return before?.alter ?? keyAlter(step, settingAt(index.view, index.facets, "key", spot) ?? {});
}

/** The key, clef or metre that holds on a staff at a moment; null before there is any. */
export function settingAt(
  view: View,
  facets: Facets,
  kind: "key" | "clef" | "time",
  spot: Pick<Spot, "part" | "staff" | "measure" | "onset">,
): Entry | null {
  const staff = { part: spot.part, within: spot.staff };
  let held: Entry | null = null;
  for (const measure of view.measures) {
    for (const key of measure.settings.filter((each) => each.startsWith(`${kind}|`))) {
      const { scope, at, value } = signPlace(facets, key, measure.id);
      const isDue = measure.id !== spot.measure || compareTimes(onsetOf(at), spot.onset) <= 0;
      if (isDue && covers(scope, staff)) {
        held = value;
      }
    }
    if (measure.id === spot.measure) {
      break;
    }
  }
  return held;
}

/** The middle of the staff, in steps above C0: where an unknown first note is expected. */
export function middleOf(index: ScoreIndex, spot: Spot): number {
  const clef = settingAt(index.view, index.facets, "clef", spot) ?? {};
  const shift = asNumber(clef["octave"], 0) * STEPS_IN_OCTAVE;
  const sign = asText(clef["sign"]);
  const [pitch, usual] = CLEFS[sign] ?? CLEFS.G;
  const above = MIDDLE_LINE - (sign === "percussion" ? usual : asNumber(clef["line"], usual));
  return height(pitch) + 2 * above + shift;
}

/** Words for what is selected, for those who do not see it. */
export function described(index: ScoreIndex, place: Place): string {
  const names = place.events.map((id) => {
    const pitch = entryOf(index.facets, "pt", id);
    const sign = { "-2": "𝄫", "-1": "♭", "1": "♯", "2": "𝄪" }[String(pitch["alter"] ?? 0)] ?? "";
    return "rest" in pitch ? "" : `${pitch["step"] ?? ""}${sign}${pitch["octave"] ?? ""}`;
  });
  return names.filter((name) => name !== "").join(" ");
}
