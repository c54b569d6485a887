import {
  addTimes,
  type Clip,
  compareTimes,
  copy,
  type Operation,
  type Rational,
  readTime,
  subtractTimes,
  toNumber,
  ZERO_TIME,
} from "bandpro-score";
import { asNumber } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { type Action, spotOf, timeOf } from "./actions.ts";
import type { ScoreIndex, Spot } from "./score-index.ts";

/** Takes a copy of what is selected; null where nothing is written. */
export function copied(index: ScoreIndex, places: readonly Place[]): Clip | null {
  const ids = places.flatMap((place) => place.events);
  return ids.length > 0 ? copy(index.facets, ids) : null;
}

/** What was copied, where the selection begins, instead of what is there; with measures for all of it. */
export function pasted(index: ScoreIndex, places: readonly Place[], clip: Clip): Action {
  const [first] = places;
  if (!first) {
    return { operations: [] };
  }
  const { end, missing } = endOf(index, first, clip);
  const { part, measure, onset } = first;
  const operations: Operation[] = [
    { op: "Paste", clip: onto(clip, first), part, measure, onset: timeOf(onset), replaces: true },
  ];
  const last = index.view.measures.at(-1)?.id;
  if (missing > 0 && last !== undefined) {
    operations.unshift({ op: "InsertMeasures", after: last, count: missing });
  }
  return { operations, cursor: end };
}

/** The same on the staff and in the voice of a place. */
function onto(clip: Clip, { staff, voice }: Place): Clip {
  const voices = clip.events.map(({ fields }) => asNumber(fields["voice"], 1));
  const top = Math.min(...voices);
  const events = clip.events.map((event, at) => ({
    ...event,
    fields: { ...event.fields, staff, voice: voice + (voices[at] ?? top) - top },
  }));
  return { ...clip, events };
}

/** Where what is pasted ends, and how many measures the score lacks for it. */
function endOf(index: ScoreIndex, first: Place, clip: Clip): { end: Spot; missing: number } {
  let left = addTimes(first.onset, lengthOf(clip));
  let { measure } = first;
  for (;;) {
    const length = index.length(measure, first.part);
    const next = index.measureAfter(measure);
    if (next === null || compareTimes(left, length) < 0) {
      const over = toNumber(subtractTimes(left, length)) / toNumber(length);
      const end = { ...spotOf(first), measure, onset: left };
      // Behind a last measure that is full another one follows, as when notes are written.
      return { end, missing: Math.max(0, Math.floor(over) + 1) };
    }
    left = subtractTimes(left, length);
    measure = next;
  }
}

function lengthOf(clip: Clip): Rational {
  return clip.events
    .map(({ offset, duration }) =>
      addTimes(readTime(offset) ?? ZERO_TIME, readTime(duration) ?? ZERO_TIME),
    )
    .reduce((longest, each) => (compareTimes(each, longest) > 0 ? each : longest), ZERO_TIME);
}
