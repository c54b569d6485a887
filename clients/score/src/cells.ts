import type { Pitch, ScoreEvent } from "./model.ts";
import { add, compare, later, type Rational, subtract, timeText, ZERO } from "./rational.ts";
import { compareText, insertionPoint } from "./sorting.ts";
import type { Chord, Grace, Item, Space, Voice, WrittenRest } from "./view.ts";

type TimedItem = Chord | WrittenRest | Space;

/** The events of one cell in their voices, gaps still open. */
export interface Layout {
  readonly voices: readonly Voice[];
  readonly covered: readonly string[];
  /** When the last of them ends. */
  readonly end: Rational;
  /** Up to when some voice always has something. */
  readonly filledUntil: Rational;
}

/**
 * Gives each event of one cell its place.
 *
 * Notes of one voice with equal onset and duration are one chord. Where chords of a voice overlap,
 * that with the lowest id stays, and the others go to the first voice that nobody wrote into and
 * where there is room. Rests and spaces give way to whatever overlaps them.
 */
export function layOut(
  events: readonly ScoreEvent[],
  pitches: ReadonlyMap<string, Pitch>,
  length: Rational | null,
): Layout {
  const sorted = [...events].sort((a, b) => compareText(a.id, b.id));
  const { chords, silences, graces, covered } = sortOut(sorted, pitches, length);
  const lines = new Map<number, Line>();
  const lineOf = (voice: number): Line => {
    const line = lines.get(voice) ?? new Line();
    lines.set(voice, line);
    return line;
  };
  const displaced = chords.filter(([voice, chord]) => !lineOf(voice).place(chord));
  for (const [voice, silence] of silences) {
    if (!lineOf(voice).place(silence)) {
      covered.push(silence.id);
    }
  }
  const taken = new Set([...lines.keys(), ...graces.keys()]);
  for (const [voice, chord] of inFreeVoices(displaced, taken)) {
    lineOf(voice).place(chord);
  }
  const timed = [...lines.values()].flatMap((line) => line.items);
  const ends = [
    ...timed.map((item) => add(item.onset, item.duration)),
    ...[...graces.values()].flatMap((voice) => voice.map(([, grace]) => grace.onset)),
  ];
  const numbers = [...new Set([...lines.keys(), ...graces.keys()])].sort((a, b) => a - b);
  return {
    voices: numbers.map((number) => ({
      number,
      items: inOrder(graces.get(number) ?? [], lines.get(number)?.items ?? []),
    })),
    covered: covered.sort(compareText),
    end: ends.reduce(later, ZERO),
    filledUntil: filledUntil(timed),
  };
}

/** Fills the time of a voice that nothing is written into, up to `end`. */
export function closeGaps(voice: Voice, end: Rational): Voice {
  let staff = voice.items[0]?.staff ?? 1;
  let reached = ZERO;
  const items: Item[] = [];
  const fillUntil = (until: Rational) => {
    if (compare(until, reached) > 0) {
      items.push({ kind: "gap", onset: reached, duration: subtract(until, reached), staff });
      reached = until;
    }
  };
  for (const item of voice.items) {
    fillUntil(item.onset);
    items.push(item);
    staff = item.staff;
    if (item.kind !== "grace") {
      reached = add(item.onset, item.duration);
    }
  }
  fillUntil(end);
  return { number: voice.number, items };
}

interface Sorted {
  readonly chords: readonly (readonly [voice: number, Chord])[];
  readonly silences: readonly (readonly [voice: number, WrittenRest | Space])[];
  /** By voice, with what they are ordered by at one onset. */
  readonly graces: ReadonlyMap<number, readonly (readonly [order: string, Grace])[]>;
  readonly covered: string[];
}

/** Takes events by id, so that what it gives is by lowest id. */
function sortOut(
  events: readonly ScoreEvent[],
  pitches: ReadonlyMap<string, Pitch>,
  length: Rational | null,
): Sorted {
  const notes = new Map<string, ScoreEvent[]>();
  const graceNotes = new Map<string, ScoreEvent[]>();
  const silences: [number, WrittenRest | Space][] = [];
  const covered: string[] = [];
  for (const event of events) {
    const { id, voice, onset, duration, staff, grace } = event;
    const rest = event.isSpace ? "space" : (pitches.get(id)?.rest ?? "");
    const whole = length ?? (duration.numerator > 0n ? duration : null);
    if (rest === "" && grace !== null) {
      addTo(graceNotes, `${voice} ${timeText(onset)} ${grace}`, event);
    } else if (rest === "") {
      addTo(notes, `${voice} ${timeText(onset)} ${timeText(duration)}`, event);
    } else if (rest === "measure" && whole !== null) {
      silences.push([
        voice,
        { kind: "rest", id, onset: ZERO, duration: whole, staff, fillsMeasure: true },
      ]);
    } else if (grace !== null) {
      covered.push(id); // silence that takes no time
    } else if (rest === "space") {
      silences.push([voice, { kind: "space", id, onset, duration, staff }]);
    } else {
      silences.push([voice, { kind: "rest", id, onset, duration, staff, fillsMeasure: false }]);
    }
  }
  return {
    chords: [...notes.values()].map(chordOf),
    silences,
    graces: gracesOf([...graceNotes.values()]),
    covered,
  };
}

function addTo(groups: Map<string, ScoreEvent[]>, place: string, event: ScoreEvent): void {
  const group = groups.get(place);
  if (group) {
    group.push(event);
  } else {
    groups.set(place, [event]);
  }
}

function chordOf(notes: readonly ScoreEvent[]): [number, Chord] {
  const { voice, onset, duration, staff } = notes[0] as ScoreEvent;
  const ids = notes.map((note) => note.id);
  return [voice, { kind: "chord", ids, onset, duration, staff, movedFrom: null }];
}

function gracesOf(groups: readonly (readonly ScoreEvent[])[]): Map<number, [string, Grace][]> {
  const found = new Map<number, [string, Grace][]>();
  for (const group of groups) {
    const { voice, onset, staff, grace } = group[0] as ScoreEvent;
    const item: Grace = { kind: "grace", ids: group.map((note) => note.id), onset, staff };
    const ofVoice = found.get(voice) ?? [];
    found.set(voice, ofVoice);
    ofVoice.push([grace ?? "", item]);
  }
  return found;
}

/** What a voice has, by onset, none overlapping another. */
class Line {
  readonly items: TimedItem[] = [];

  /** Puts an item in, if there is room for it. */
  place(item: TimedItem): boolean {
    const at = insertionPoint(this.items, item, (a, b) => compare(a.onset, b.onset));
    const [previous, next] = [this.items[at - 1], this.items[at]];
    if (previous && compare(add(previous.onset, previous.duration), item.onset) > 0) {
      return false;
    }
    if (next && compare(add(item.onset, item.duration), next.onset) > 0) {
      return false;
    }
    this.items.splice(at, 0, item);
    return true;
  }
}

/** Gives each chord, from the first onset on, the lowest voice that is free by then. */
function* inFreeVoices(
  displaced: readonly (readonly [number, Chord])[],
  taken: ReadonlySet<number>,
): Generator<[number, Chord]> {
  const sorted = [...displaced].sort(
    ([voice, chord], [otherVoice, other]) =>
      compare(chord.onset, other.onset) ||
      voice - otherVoice ||
      compareText(chord.ids[0] ?? "", other.ids[0] ?? ""),
  );
  const free: number[] = [];
  const busy: [Rational, number][] = [];
  let last = 0;
  for (const [voice, chord] of sorted) {
    for (let first = busy[0]; first && compare(first[0], chord.onset) <= 0; first = busy[0]) {
      busy.shift();
      free.splice(
        insertionPoint(free, first[1], (a, b) => a - b),
        0,
        first[1],
      );
    }
    let number = free.shift();
    while (number === undefined) {
      last += 1;
      number = taken.has(last) ? undefined : last;
    }
    const until: [Rational, number] = [add(chord.onset, chord.duration), number];
    busy.splice(
      insertionPoint(busy, until, (a, b) => compare(a[0], b[0])),
      0,
      until,
    );
    yield [number, { ...chord, movedFrom: voice }];
  }
}

function inOrder(
  graces: readonly (readonly [order: string, Grace])[],
  timed: readonly TimedItem[],
): Item[] {
  const keyed: [Rational, number, string, Item][] = [
    ...graces.map(
      ([order, grace]) => [grace.onset, 0, order, grace] as [Rational, number, string, Item],
    ),
    ...timed.map((item) => [item.onset, 1, "", item] as [Rational, number, string, Item]),
  ];
  keyed.sort((a, b) => compare(a[0], b[0]) || a[1] - b[1] || compareText(a[2], b[2]));
  return keyed.map(([, , , item]) => item);
}

function filledUntil(timed: readonly TimedItem[]): Rational {
  let reached = ZERO;
  for (const item of [...timed].sort((a, b) => compare(a.onset, b.onset))) {
    if (compare(item.onset, reached) > 0) {
      break;
    }
    reached = later(reached, add(item.onset, item.duration));
  }
  return reached;
}
