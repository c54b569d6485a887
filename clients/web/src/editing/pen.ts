// Notes that are written by pointing: where they can be, and what a click writes.
import {
  addTimes,
  compareTimes,
  type Operation,
  type Rational,
  subtractTimes,
  type WrittenPitch,
  ZERO_TIME,
} from "bandpro-score";
import { restPieces } from "../engraving/durations.ts";
import type { Place } from "../engraving/places.ts";
import {
  type Action,
  durationOf,
  type NextValue,
  NOTHING,
  retime,
  spotOf,
  write,
} from "./actions.ts";
import { alterAt, height, pitchAt, pitchOf } from "./pitches.ts";
import { endOf, type ScoreIndex, type Spot } from "./score-index.ts";

/** Of one measure, however long somebody made it. */
const MOMENTS_MAX = 256;

type Line = Omit<Spot, "onset">;

/**
 * The moments of a voice at which a note can be written: those of its notes, and in the time that
 * is empty, or has rests, all that lie so many values behind where a rest is drawn.
 */
export function momentsIn(index: ScoreIndex, line: Line, value: NextValue): readonly Rational[] {
  const step = durationOf(value);
  const found: Rational[] = [];
  const fill = (from: Rational, until: Rational) => {
    for (const { onset, duration } of restPieces(from, subtractTimes(until, from))) {
      const end = addTimes(onset, duration);
      for (let at = onset; compareTimes(at, end) < 0; at = addTimes(at, step)) {
        if (found.length >= MOMENTS_MAX) return;
        found.push(at);
      }
    }
  };
  let from = ZERO_TIME;
  for (const chord of chordsOf(index, line)) {
    fill(from, chord.onset);
    found.push(chord.onset);
    from = compareTimes(endOf(chord), from) > 0 ? endOf(chord) : from;
  }
  fill(from, index.length(line.measure, line.part));
  return found;
}

/** The chords of a voice in a measure, in the order of time. */
function chordsOf(index: ScoreIndex, { measure, part, voice }: Line): readonly Place[] {
  return index
    .inMeasure(measure)
    .filter((place) => place.part === part && place.voice === voice && place.kind === "chord")
    .sort((a, b) => compareTimes(a.onset, b.onset));
}

/**
 * Writes a note at a moment of a voice. Into time that is empty or has rests a new one; a chord
 * becomes that note, or has it as one more.
 *
 * @param at the height of the note, in steps of the scale above C0; the key says how it is altered.
 */
export function enterAt(
  index: ScoreIndex,
  spot: Spot,
  at: number,
  value: NextValue,
  isChord: boolean,
): Action {
  const pitch = { ...pitchAt(at), alter: alterAt(index, spot, pitchAt(at)) };
  const isHere = (place: Place) => compareTimes(place.onset, spot.onset) === 0;
  const chord = chordsOf(index, spot).find(isHere);
  if (chord) {
    return isChord ? addedTo(index, chord, pitch) : replaced(index, chord, pitch, value);
  }
  const rest = index
    .inMeasure(spot.measure)
    .filter(
      ({ part, voice, kind }) => part === spot.part && voice === spot.voice && kind === "rest",
    )
    .find(isHere);
  const duration = subtractTimes(index.freeUntil(spot), spot.onset);
  const empty: Place = { ...spot, id: "", kind: "gap", duration, events: [] };
  const action = write(index, rest ?? empty, pitch, durationOf(value));
  // Keys that change what was just written must not find the note behind it.
  const isFollowed = action.cursor && index.at(action.cursor)?.kind === "chord";
  return isFollowed && !action.onward ? { ...action, selectsNew: true } : action;
}

function addedTo(index: ScoreIndex, chord: Place, pitch: WrittenPitch): Action {
  const [event] = chord.events;
  const isNew = event !== undefined && noteAt(index, chord, pitch) === undefined;
  return isNew
    ? { operations: [{ op: "InsertChordNote", event, pitch }], cursor: spotOf(chord) }
    : NOTHING;
}

function replaced(index: ScoreIndex, chord: Place, pitch: WrittenPitch, value: NextValue): Action {
  const same = noteAt(index, chord, pitch);
  const kept = same ?? chord.events[0];
  if (kept === undefined) {
    return NOTHING;
  }
  const elements = chord.events.filter((id) => id !== kept);
  const operations: Operation[] = [
    ...(elements.length > 0
      ? [{ op: "DeleteElements", elements, with_spanners: true } as const]
      : []),
    ...(same === undefined ? [{ op: "Repitch", event: kept, pitch } as const] : []),
    ...retime(index, [{ ...chord, events: [kept] }], value).operations,
  ];
  return { operations, cursor: spotOf(chord) };
}

/** The note of a chord on a line or in a space. */
function noteAt(index: ScoreIndex, { events }: Place, pitch: WrittenPitch): string | undefined {
  return events.find((id) => {
    const own = pitchOf(index.facets, id);
    return own !== null && height(own) === height(pitch);
  });
}
