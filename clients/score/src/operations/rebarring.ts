import { EVERY_PART, readEvent, readScore, type ScoreEvent } from "../model.ts";
import { add, ceiling, divide, later, type Rational, subtract, ZERO } from "../rational.ts";
import { compareText } from "../sorting.ts";
import { asRational, type Draft, EditRefused, isZero, sum, writtenTime } from "./draft.ts";
import { addMeasures, deleteMeasures } from "./frame.ts";
import { attributeKey } from "./lines.ts";
import type { Rebar } from "./operations.ts";
import { type Bar, barsOf, endOf, extent, requireMeasure } from "./places.ts";
import { type Lengths, lay, Timeline } from "./timeline.ts";

const MOVED_SETTINGS: ReadonlySet<string> = new Set(["key", "clef", "tempo"]);

/**
 * Moves events, directions, keys, clefs and tempi to where they fall in the new measures. Metres,
 * breaks and barlines stay with their measures, but for the right barline of the last.
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
  const old = new Timeline(oldLengths(draft, oldBars, events, usual));
  const newBars: [string, Rational][] = oldBars.map((bar) => [bar.id, extent(bar)]);
  const missing = subtract(old.end, sum(newBars.map(([, length]) => length)));
  const [last, length] = newBars.at(-1) as [string, Rational];
  if (missing.numerator > 0n) {
    const count = ceiling(divide(missing, length));
    for (const key of addMeasures(draft, { after: last, count })) {
      newBars.push([key, length]);
    }
  }
  const now = new Timeline(newBars);
  moveEvents(draft, events, old, now);
  moveDirections(draft, inside, old, now);
  moveSettings(draft, inside, old, now);
  const used = now.usedUntil(old.end);
  deleteMeasures(draft, { measures: newBars.slice(used.length).map(([key]) => key) });
  moveLastBarline(draft, operation.last, used.at(-1) as string);
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
  const free = found.filter((bar) => bar.length === null).map((bar) => bar.id);
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
): Lengths {
  const ends = new Map<string, Rational>();
  for (const event of events) {
    if (!fillsMeasure(draft, event.id)) {
      ends.set(event.measure, later(ends.get(event.measure) ?? ZERO, endOf(event)));
    }
  }
  return oldBars.map((bar) => {
    const isOwn = "length" in draft.find("measures", bar.id, "measure");
    const usual = isOwn ? extent(bar) : former;
    const content = ends.get(bar.id) ?? ZERO;
    if (usual !== null) {
      return [bar.id, later(usual, content)];
    }
    return [bar.id, isZero(content) ? extent(bar) : content];
  });
}

function fillsMeasure(draft: Draft, key: string): boolean {
  return draft.get("pt", key)?.["rest"] === "measure";
}

function moveEvents(
  draft: Draft,
  events: readonly ScoreEvent[],
  old: Timeline,
  now: Timeline,
): void {
  const lastPieces = new Map<string, string>();
  // Where nothing is, a rest is seen anyway.
  const silent = events.map((event) => event.id).filter((key) => fillsMeasure(draft, key));
  draft.dropEvents(new Set(silent));
  for (const event of [...events].sort((a, b) => compareText(a.id, b.id))) {
    const pitch = draft.get("pt", event.id);
    const value = draft.get("ev", event.id);
    if (value === null) {
      continue;
    }
    const begin = add(old.start(event.measure) ?? ZERO, event.onset);
    const spans = now.spans(begin, event.grace === null ? event.duration : ZERO);
    const [first] = spans;
    if (event.grace !== null && first) {
      const { measure, onset } = first;
      draft.put("ev", event.id, { ...value, measure, onset: writtenTime(onset) });
      continue;
    }
    const ids = lay(draft, event.id, value, pitch, spans);
    lastPieces.set(event.id, ids.at(-1) as string);
    const notation = draft.get("nx", event.id);
    if (notation !== null && (ids.length > 1 || first?.measure !== event.measure)) {
      draft.put("nx", event.id, { ...notation, beams: null });
    }
  }
  moveEnds(draft, lastPieces);
}

/** A tie goes on from a note's last piece; all other lines end there. */
function moveEnds(draft: Draft, lastPieces: ReadonlyMap<string, string>): void {
  for (const [key, value] of draft.entries("sp")) {
    const isTie = value["kind"] === "tie";
    const end = isTie ? "start" : "end";
    const note = value[end];
    const last = typeof note === "string" ? lastPieces.get(note) : undefined;
    // One of the ties that were made between the pieces of one note stays.
    const isWithin = isTie && !isKeyOf(lastPieces, value["end"]);
    if (last !== undefined && last !== note && !isWithin) {
      draft.put("sp", key, { ...draft.find("sp", key, "spanner"), [end]: last });
    }
  }
}

function isKeyOf(pieces: ReadonlyMap<string, string>, key: unknown): boolean {
  return typeof key === "string" && pieces.has(key);
}

function moveDirections(
  draft: Draft,
  inside: ReadonlySet<string>,
  old: Timeline,
  now: Timeline,
): void {
  for (const direction of readScore(draft.view("dir")).directions.values()) {
    if (inside.has(direction.measure)) {
      const begin = add(old.start(direction.measure) ?? ZERO, direction.onset);
      const [measure, onset] = now.at(begin);
      const value = draft.find("dir", direction.id, "direction");
      draft.put("dir", direction.id, { ...value, measure, onset: writtenTime(onset) });
    }
  }
}

function moveSettings(
  draft: Draft,
  inside: ReadonlySet<string>,
  old: Timeline,
  now: Timeline,
): void {
  const moved = [...readScore(draft.view("attr")).settings.values()]
    .filter((setting) => inside.has(setting.measure) && MOVED_SETTINGS.has(setting.kind))
    .flatMap((setting) => {
      const value = draft.find("attr", setting.key, "setting");
      return setting.at === null ? [] : [{ ...setting, at: setting.at, value }];
    });
  for (const { key } of moved) {
    draft.drop("attr", key);
  }
  for (const { kind, measure, scope, at, value } of moved) {
    const [where, onset] = now.at(add(old.start(measure) ?? ZERO, at));
    draft.put("attr", attributeKey(kind, where, scope, onset), value);
  }
}

function moveLastBarline(draft: Draft, former: string, last: string): void {
  const old = attributeKey("barline", former, EVERY_PART, "right");
  const value = draft.get("attr", old);
  if (value !== null && former !== last) {
    draft.drop("attr", old);
    draft.put("attr", attributeKey("barline", last, EVERY_PART, "right"), value);
  }
}
