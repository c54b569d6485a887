import { before, EVERY_PART, KEY_SEPARATOR, readEvent, readScore } from "../model.ts";
import { compare, type Rational, timeText } from "../rational.ts";
import { asRational, type Draft, EditRefused, type Loose, writtenTime } from "./draft.ts";
import type { AddDirection, AddSpanner, ChangeSetting, Slur, Tie } from "./operations.ts";
import { barsOf, measuresInOrder, requireMeasure, requireNote, requirePart } from "./places.ts";

const FORWARDS: ReadonlySet<string> = new Set(["tie", "slur", "tuplet"]);

/** Joins two notes of one pitch. */
export function tie(draft: Draft, { start, end }: Tie): void {
  for (const key of [start, end]) {
    requireNote(draft, key);
  }
  const pt = new Map([start, end].map((key) => [key, draft.get("pt", key)]));
  const heights = [...readScore({ pt }).pitches.values()].map((pitch) => pitch.semitones);
  if (new Set(heights).size > 1) {
    throw new EditRefused("wrong-kind", "A tie joins notes of one pitch.", start, end);
  }
  join(draft, "tie", start, end, {});
}

/** Joins the notes from one to another. */
export function slur(draft: Draft, { start, end, placement }: Slur): void {
  for (const key of [start, end]) {
    requireNote(draft, key);
  }
  join(draft, "slur", start, end, { placement });
}

/** Joins any two elements. */
export function addSpanner(draft: Draft, { kind, start, end, fields }: AddSpanner): void {
  const unknown = [start, end].filter((key) =>
    ["ev", "dir", "measures"].every((facet) => !draft.has(facet, key)),
  );
  if (unknown.length > 0) {
    throw new EditRefused("unknown-element", "There is no such element.", ...unknown);
  }
  join(draft, kind, start, end, fields);
}

/** Puts a sign or words at a cell and onset. */
export function addDirection(draft: Draft, operation: AddDirection): void {
  const { part, measure, kind, fields } = operation;
  const onset = asRational(operation.onset);
  requirePart(draft, part);
  requireMeasure(draft, measure);
  requireOnset(draft, part, measure, onset);
  draft.put("dir", draft.newId(), {
    ...fields,
    part,
    measure,
    kind,
    onset: writtenTime(onset),
  });
}

/** Sets or deletes the entry of a place; its key is the place. */
export function changeSetting(draft: Draft, operation: ChangeSetting): void {
  const { kind, measure, value, scope = EVERY_PART } = operation;
  const at = asPlace(operation.at ?? [0, 1]);
  const part = before(scope, "/");
  if (part !== EVERY_PART) {
    requirePart(draft, part);
  }
  const key = attributeKey(kind, measure, scope, at);
  if (value === null) {
    draft.find("attr", key, "setting");
    draft.drop("attr", key);
    return;
  }
  requireMeasure(draft, measure);
  if (typeof at !== "string") {
    requireOnset(draft, part, measure, at);
  }
  draft.put("attr", key, value);
}

/** The key of `attr` that is a place. */
export function attributeKey(
  kind: string,
  measure: string,
  scope: string,
  at: Rational | "left" | "right",
): string {
  const place = typeof at === "string" ? at : timeText(at);
  return [kind, measure, scope, place].join(KEY_SEPARATOR);
}

function asPlace(at: NonNullable<ChangeSetting["at"]>): Rational | "left" | "right" {
  return typeof at === "string" ? at : asRational(at);
}

function join(draft: Draft, kind: string, start: string, end: string, fields: Loose): void {
  for (const key of [start, end]) {
    const measure = draft.get("ev", key)?.["measure"];
    if (typeof measure === "string") {
      requireMeasure(draft, measure);
    }
  }
  if (FORWARDS.has(kind) && !isBefore(draft, start, end)) {
    throw new EditRefused("out-of-range", "It ends before it begins.", start, end);
  }
  draft.put("sp", draft.newId(), { ...fields, kind, start, end });
}

/** Whether an event comes before another, or at once with it in another guise. */
function isBefore(draft: Draft, start: string, end: string): boolean {
  const first = readEvent(start, draft.get("ev", start) ?? {});
  const second = readEvent(end, draft.get("ev", end) ?? {});
  if (first === null || second === null) {
    return true;
  }
  const measures = measuresInOrder(draft).map((measure) => measure.id);
  const distance = measures.indexOf(second.measure) - measures.indexOf(first.measure);
  return (
    (distance > 0 || (distance === 0 && compare(first.onset, second.onset) <= 0)) && start !== end
  );
}

function requireOnset(draft: Draft, part: string, measure: string, onset: Rational): void {
  const length = barsOf(draft, part).find((bar) => bar.id === measure)?.length ?? null;
  if (onset.numerator < 0n || (length !== null && compare(onset, length) > 0)) {
    throw new EditRefused("out-of-range", "The onset is not in the measure.", measure);
  }
}
