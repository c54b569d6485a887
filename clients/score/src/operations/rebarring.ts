import { readEvent, readScore, type ScoreEvent, type Setting, type Spanner } from "../model.ts";
import {
  add,
  ceiling,
  compare,
  divide,
  later,
  multiply,
  type Rational,
  rational,
  subtract,
  ZERO,
} from "../rational.ts";
import { compareText } from "../sorting.ts";
import { asRational, type Draft, EditRefused, isZero, sum, writtenTime } from "./draft.ts";
import { addMeasures, deleteMeasures } from "./frame.ts";
import { attributeKey } from "./lines.ts";
import type { Rebar } from "./operations.ts";
import { type Bar, barsOf, cellOf, endOf, eventsIn, extent, requireMeasure } from "./places.ts";
import { lay, type Span, Timeline } from "./timeline.ts";

const MOVED_SETTINGS: ReadonlySet<string> = new Set(["key", "clef", "tempo"]);
/** Barlines with which something begins or ends. */
const SECTION_STYLES: ReadonlySet<unknown> = new Set([
  ...["light-light", "light-heavy", "heavy-light", "heavy-heavy"],
]);

/**
 * Moves events, directions, keys, clefs and tempi to where they fall in the new measures.
 *
 * What is repeated, is under an ending, or ends with a double barline still does: each such section
 * is barred by itself. Metres, breaks and other barlines stay with their measures.
 */
export function rebar(draft: Draft, operation: Rebar): void {
  const former = operation.former_length ?? null;
  const oldBars = range(draft, operation);
  const inside = new Set(oldBars.map((bar) => bar.id));
  const events = [...draft.entries("ev")]
    .map(([key, value]) => readEvent(key, value))
    .filter((event) => event !== null)
    .filter((event) => inside.has(event.measure));
  const usual = former === null ? null : asRational(former);
  const lengths = oldLengths(draft, oldBars, events, usual);
  const sections = sectionsOf(draft, oldBars);
  const moves = new Moves();
  for (const [place, section] of sections.entries()) {
    const old = new Timeline(section.map((bar) => [bar.id, lengths.get(bar.id) ?? ZERO]));
    moves.add(old, barred(draft, section, old.end, place + 1 < sections.length));
  }
  moveEvents(draft, events, moves);
  moveDirections(draft, inside, moves);
  moveSettings(draft, inside, moves);
}

/** Where each moment of the former measures is now. */
class Moves {
  readonly #timelines = new Map<string, readonly [old: Timeline, now: Timeline]>();

  /** Lets the music of some measures be in others. */
  add(old: Timeline, now: Timeline): void {
    for (const measure of [...old.measures, ...now.measures]) {
      this.#timelines.set(measure, [old, now]);
    }
  }

  /** Cuts an event at the new barlines. */
  spans({ measure, onset, duration }: ScoreEvent): readonly Span[] {
    const [, now] = this.#of(measure);
    return now.spans(add(this.begin(measure), onset), duration);
  }

  /** Finds a moment; the end of a measure is still the end of one. */
  at(measure: string, onset: Rational): [measure: string, onset: Rational] {
    const [old, now] = this.#of(measure);
    const begin = add(this.begin(measure), onset);
    const isEnd = onset.numerator > 0n && old.at(begin)[0] !== measure;
    return isEnd || compare(begin, old.end) >= 0 ? now.endedAt(begin) : now.at(begin);
  }

  /** The new measures from one to another; none when these are in two sections. */
  between(first: string, last: string): readonly string[] {
    const [, now] = this.#of(first);
    return now.measures.includes(last) ? now.between(first, last) : [];
  }

  /** When one of the former measures began, from its section's beginning on. */
  begin(measure: string): Rational {
    return this.#of(measure)[0].start(measure) ?? ZERO;
  }

  #of(measure: string): readonly [old: Timeline, now: Timeline] {
    return this.#timelines.get(measure) as readonly [old: Timeline, now: Timeline];
  }
}

function range(draft: Draft, { first, last }: Rebar): Bar[] {
  for (const key of [first, last]) {
    requireMeasure(draft, key);
  }
  const present = barsOf(draft);
  const ids = present.map((bar) => bar.id);
  const found = present.slice(ids.indexOf(first), ids.indexOf(last) + 1);
  if (found.length === 0) {
    const message = "The last measure is before the first.";
    throw new EditRefused("out-of-range", message, first, last);
  }
  const free = found.filter((bar) => bar.usual === null).map((bar) => bar.id);
  if (free.length > 0) {
    const message = "Without a metre there are no measures to fill.";
    throw new EditRefused("out-of-range", message, ...free);
  }
  return found;
}

/** What measures lasted before: by themselves, as told, or by what is in them. */
function oldLengths(
  draft: Draft,
  oldBars: readonly Bar[],
  events: readonly ScoreEvent[],
  former: Rational | null,
): ReadonlyMap<string, Rational> {
  const ends = new Map<string, Rational>();
  for (const event of events) {
    if (!fillsMeasure(draft, event.id)) {
      ends.set(event.measure, later(ends.get(event.measure) ?? ZERO, endOf(event)));
    }
  }
  return new Map(
    oldBars.map((bar) => {
      const usual = hasOwnLength(draft, bar) ? extent(bar) : former;
      const content = ends.get(bar.id) ?? ZERO;
      if (usual !== null) {
        return [bar.id, later(usual, content)];
      }
      return [bar.id, isZero(content) ? extent(bar) : content];
    }),
  );
}

function hasOwnLength(draft: Draft, bar: Bar): boolean {
  return "length" in draft.find("measures", bar.id, "measure");
}

function fillsMeasure(draft: Draft, key: string): boolean {
  return draft.get("pt", key)?.["rest"] === "measure";
}

/** Parts measures where a repeat, an ending, a section or another metre begins or ends. */
function sectionsOf(draft: Draft, oldBars: readonly Bar[]): readonly (readonly Bar[])[] {
  const begins = new Set<string>();
  const ends = new Set<string>();
  for (const { key, measure } of barlines(draft)) {
    const value = draft.find("attr", key, "setting");
    if ("repeat" in value || SECTION_STYLES.has(value["style"])) {
      (isRight(key) ? ends : begins).add(measure);
    }
  }
  for (const { start, end } of linesOf(draft, "ending")) {
    begins.add(start);
    ends.add(end);
  }
  const found: Bar[][] = [];
  for (const bar of oldBars) {
    const before = found.at(-1)?.at(-1);
    const isEdge = !before || begins.has(bar.id) || ends.has(before.id);
    if (isEdge || compare(before.usual ?? ZERO, bar.usual ?? ZERO) !== 0) {
      found.push([]);
    }
    found.at(-1)?.push(bar);
  }
  return found;
}

/** Barlines at edges of measures. */
function barlines(draft: Draft): readonly Setting[] {
  const settings = [...readScore(draft.view("attr")).settings.values()];
  return settings.filter(({ kind, at }) => kind === "barline" && at === null);
}

function isRight(barline: string): boolean {
  return barline.endsWith("|right");
}

function linesOf(draft: Draft, kind: string): readonly Spanner[] {
  const lines = [...readScore(draft.view("sp")).spanners.values()];
  return lines.filter((line) => line.kind === kind);
}

/**
 * Adds or deletes measures, so that there are as many as some time needs.
 *
 * An upbeat stays one. The last measure is as long as others, unless music follows in the range,
 * which came right after it, or it was made short by somebody.
 */
function barred(draft: Draft, section: readonly Bar[], time: Rational, goesOn: boolean): Timeline {
  const [first, last] = [section[0] as Bar, section.at(-1) as Bar];
  const usual = first.usual ?? extent(first);
  const lead = hasOwnLength(draft, first) ? extent(first) : usual;
  const upbeat = subtract(lead, times(usual, ceiling(divide(lead, usual)) - 1));
  const count = 1 + Math.max(0, ceiling(divide(subtract(time, upbeat), usual)));
  const keys = section.map((bar) => bar.id);
  if (count > keys.length) {
    keys.push(...addMeasures(draft, { after: last.id, count: count - keys.length }));
  }
  const lengths = Array.from({ length: count }, (_, at) => (at === 0 ? upbeat : usual));
  if (!isZero(time) && (goesOn || hasOwnLength(draft, last))) {
    const left = subtract(sum(lengths), time);
    lengths.push(subtract(lengths.pop() as Rational, later(ZERO, left)));
  }
  for (const [at, length] of lengths.entries()) {
    const key = keys[at] as string;
    const own = compare(length, usual) === 0 ? null : writtenTime(length);
    draft.put("measures", key, { ...draft.find("measures", key, "measure"), length: own });
  }
  deleteMeasures(draft, { measures: keys.slice(count) });
  moveEnd(draft, last.id, keys[count - 1] as string);
  return new Timeline(lengths.map((length, at) => [keys[at] as string, length]));
}

function times(value: Rational, count: number): Rational {
  return multiply(value, rational(BigInt(count), 1n));
}

/** What ended with one measure ends with another. */
function moveEnd(draft: Draft, former: string, last: string): void {
  if (former === last) {
    return;
  }
  for (const { key, measure, scope } of barlines(draft)) {
    if (isRight(key) && measure === former) {
      const value = draft.find("attr", key, "setting");
      draft.drop("attr", key);
      draft.put("attr", attributeKey("barline", last, scope, "right"), value);
    }
  }
  for (const { id, end } of linesOf(draft, "ending")) {
    if (end === former) {
      draft.put("sp", id, { ...draft.find("sp", id, "spanner"), end: last });
    }
  }
}

function moveEvents(draft: Draft, events: readonly ScoreEvent[], moves: Moves): void {
  const lastPieces = new Map<string, string>();
  const others = new Set<unknown>();
  // Where nothing is, a rest is seen anyway.
  const silent = events.map((event) => event.id).filter((key) => fillsMeasure(draft, key));
  draft.dropEvents(new Set(silent));
  for (const event of [...events].sort((a, b) => compareText(a.id, b.id))) {
    const value = draft.get("ev", event.id);
    if (value === null) {
      continue;
    }
    if (event.grace !== null) {
      const [measure, onset] = moves.at(event.measure, event.onset);
      draft.put("ev", event.id, { ...value, measure, onset: writtenTime(onset) });
      continue;
    }
    const ids = lay(draft, event.id, value, draft.get("pt", event.id), moves.spans(event));
    const last = ids.at(-1) as string;
    lastPieces.set(event.id, last);
    for (const piece of ids.slice(1)) {
      others.add(piece);
    }
    moveNotation(draft, event.id, last);
  }
  moveEnds(draft, lastPieces, others);
  cutTuplets(draft, lastPieces, moves);
}

/** Beams follow the metre; what is held on is held at its end. */
function moveNotation(draft: Draft, first: string, last: string): void {
  const notation = draft.get("nx", first);
  if (notation === null) {
    return;
  }
  const { fermata, ...rest } = notation;
  if (first !== last && fermata !== undefined) {
    draft.put("nx", last, { fermata });
    draft.put("nx", first, { ...rest, beams: null });
  } else {
    draft.put("nx", first, { ...notation, beams: null });
  }
}

/** A tie goes on from a note's last piece; all other lines end there. */
function moveEnds(
  draft: Draft,
  lastPieces: ReadonlyMap<string, string>,
  others: ReadonlySet<unknown>,
): void {
  for (const [key, value] of draft.entries("sp")) {
    const isTie = value["kind"] === "tie";
    const end = isTie ? "start" : "end";
    const note = value[end];
    const last = typeof note === "string" ? lastPieces.get(note) : undefined;
    // One of the ties that were made between the pieces of one note stays.
    const isWithin = isTie && others.has(value["end"]);
    if (last !== undefined && last !== note && !isWithin) {
      draft.put("sp", key, { ...draft.find("sp", key, "spanner"), [end]: last });
    }
  }
}

/** A tuplet is in one measure: one that goes over barlines becomes several. */
function cutTuplets(draft: Draft, moved: ReadonlyMap<string, string>, moves: Moves): void {
  const crossing = linesOf(draft, "tuplet").flatMap(({ id, start, end }) => {
    const first = readEvent(start, draft.get("ev", start) ?? {});
    const last = readEvent(end, draft.get("ev", end) ?? {});
    const isMoved = moved.has(start) && first !== null && last !== null;
    if (!isMoved || first.measure === last.measure) {
      return [];
    }
    return [{ id, first, last, measures: moves.between(first.measure, last.measure) }];
  });
  // All at once: each look goes through all notes of the score.
  const cells = crossing.flatMap(({ first, measures }) =>
    measures.map((measure) => cellOf({ part: first.part, measure })),
  );
  const present = eventsIn(draft, cells);
  for (const { id, first, last, measures } of crossing) {
    const line = draft.find("sp", id, "spanner");
    const runs = measures
      .map((measure) => present.get(cellOf({ part: first.part, measure })) ?? [])
      .map((inside) => runIn(inside, first, last))
      .filter((run) => run !== null);
    for (const [place, { start, end }] of runs.entries()) {
      draft.put("sp", place === 0 ? id : draft.newId(), { ...line, start, end });
    }
  }
}

/** What of a voice is in a measure from one event to another: its first and its last. */
function runIn(
  inside: readonly ScoreEvent[],
  first: ScoreEvent,
  last: ScoreEvent,
): { start: string; end: string } | null {
  const run = inside
    .filter(({ voice, grace }) => voice === first.voice && grace === null)
    .filter((each) => each.measure !== first.measure || compare(each.onset, first.onset) >= 0)
    .filter((each) => each.measure !== last.measure || compare(each.onset, last.onset) <= 0)
    .sort((a, b) => compare(a.onset, b.onset) || compareText(a.id, b.id));
  const [start, end] = [run[0], run.at(-1)];
  return start && end ? { start: start.id, end: end.id } : null;
}

function moveDirections(draft: Draft, inside: ReadonlySet<string>, moves: Moves): void {
  for (const direction of readScore(draft.view("dir")).directions.values()) {
    if (inside.has(direction.measure)) {
      const [measure, onset] = moves.at(direction.measure, direction.onset);
      const value = draft.find("dir", direction.id, "direction");
      draft.put("dir", direction.id, { ...value, measure, onset: writtenTime(onset) });
    }
  }
}

function moveSettings(draft: Draft, inside: ReadonlySet<string>, moves: Moves): void {
  const moved = [...readScore(draft.view("attr")).settings.values()]
    .filter((setting) => inside.has(setting.measure) && MOVED_SETTINGS.has(setting.kind))
    .flatMap((setting) => {
      const value = draft.find("attr", setting.key, "setting");
      return setting.at === null ? [] : [{ ...setting, at: setting.at, value }];
    });
  for (const { key } of moved) {
    draft.drop("attr", key);
  }
  // At one moment, what a measure begins with holds, and not what the one before ends with.
  moved.sort((a, b) => compare(moves.begin(a.measure), moves.begin(b.measure)));
  for (const { kind, measure, scope, at, value } of moved) {
    const [where, onset] = moves.at(measure, at);
    draft.put("attr", attributeKey(kind, where, scope, onset), value);
  }
}
