import type { Operation } from "bandpro-score";
import type { Ending } from "../engraving/endings.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { signPlace } from "../engraving/signs.ts";
import type { Action } from "./actions.ts";
import type { ScoreIndex } from "./score-index.ts";

/** Where a repeat begins, and where it ends. */
export type Edge = "left" | "right";

/** How often what is selected is repeated, for the buttons that say so. */
export interface Repeated {
  readonly begins: boolean;
  readonly ends: boolean;
  /** What the ending over them all says; null where there is none. */
  readonly ending: string | null;
}

const NOTHING: Action = { operations: [] };
const SIGNS = {
  left: { style: "heavy-light", repeat: "forward" },
  right: { style: "light-heavy", repeat: "backward" },
} as const;

/** What repeats say at the selected measures. */
export function repeatedAt(
  index: ScoreIndex,
  endings: readonly Ending[],
  places: readonly Place[],
): Repeated {
  const range = rangeOf(index, places);
  return {
    begins: range !== null && isRepeat(index, range.first, "left"),
    ends: range !== null && isRepeat(index, range.last, "right"),
    ending: (range && endingOver(endings, range)?.label) ?? null,
  };
}

/** A repeat begins with the first selected measure, or ends with the last, or does so no more. */
export function toggleRepeat(index: ScoreIndex, places: readonly Place[], edge: Edge): Action {
  const range = rangeOf(index, places);
  if (!range) {
    return NOTHING;
  }
  const at = edge === "left" ? range.first : range.last;
  const isOn = isRepeat(index, at, edge);
  return { operations: isOn ? withoutRepeat(index, at, edge) : withRepeat(index, at, edge) };
}

/**
 * The selected measures are under an ending, instead of others that are there, or under none. A
 * first ending ends with a repeat: without one, what it says would never come true.
 */
export function toggleEnding(
  index: ScoreIndex,
  endings: readonly Ending[],
  places: readonly Place[],
  number: number,
): Action {
  const range = rangeOf(index, places);
  const [start, end] = [range && idAt(index, range.first), range && idAt(index, range.last)];
  if (!range || start === null || end === null) {
    return NOTHING;
  }
  const over = endingOver(endings, range);
  if (over?.label === `${number}.`) {
    return { operations: [{ op: "DeleteElements", elements: [over.id] }] };
  }
  const others = endingsIn(index, range);
  const operations: Operation[] = [
    { op: "AddSpanner", kind: "ending", start, end, fields: { text: String(number) } },
  ];
  if (others.length > 0) {
    operations.unshift({ op: "DeleteElements", elements: others });
  }
  if (number === 1 && !isRepeat(index, range.last, "right")) {
    operations.push(...withRepeat(index, range.last, "right"));
  }
  return { operations };
}

/** The piece still ends with a barline of that kind when the measures go that have it. */
export function endKept(index: ScoreIndex, gone: ReadonlySet<string>): Operation[] {
  const { measures } = index.view;
  const last = measures.length - 1;
  const left = measures.findLastIndex((measure) => !gone.has(measure.id));
  const isEnd = barlinesAt(index, last, "right").some(
    ({ value }) => value["style"] === SIGNS.right.style && !("repeat" in value),
  );
  return isEnd && left >= 0 && left < last && barlinesAt(index, left, "right").length === 0
    ? withBarline(index, left, "right", { style: SIGNS.right.style })
    : [];
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf(index: ScoreIndex, places: readonly Place[]): Range | null {
  const found = places.map((place) => index.measureIndex(place.measure)).filter((at) => at >= 0);
  return found.length === 0 ? null : { first: Math.min(...found), last: Math.max(...found) };
}

function idAt(index: ScoreIndex, at: number): string | null {
  return index.view.measures[at]?.id ?? null;
}

function endingOver(endings: readonly Ending[], { first, last }: Range): Ending | null {
  return endings.find((ending) => ending.first <= first && last <= ending.last) ?? null;
}

/** All endings over some of the measures, those that are not drawn as well. */
function endingsIn(index: ScoreIndex, { first, last }: Range): string[] {
  return index.view.spanners.filter((id) => {
    const { kind, start, end } = entryOf(index.facets, "sp", id);
    return (
      kind === "ending" &&
      index.measureIndex(asText(start)) <= last &&
      index.measureIndex(asText(end)) >= first
    );
  });
}

/** What is said of one edge of a measure: of all parts, and of single ones. */
function barlinesAt(index: ScoreIndex, at: number, edge: Edge) {
  const measure = index.view.measures[at];
  return (measure?.settings ?? [])
    .map((key) => signPlace(index.facets, key, measure?.id ?? ""))
    .filter((place) => place.kind === "barline" && place.at === edge);
}

function isRepeat(index: ScoreIndex, at: number, edge: Edge): boolean {
  return barlinesAt(index, at, edge).some(({ value }) => value["repeat"] === SIGNS[edge].repeat);
}

function withRepeat(index: ScoreIndex, at: number, edge: Edge): Operation[] {
  return withBarline(index, at, edge, SIGNS[edge]);
}

/** The piece still ends with its last measure. */
function withoutRepeat(index: ScoreIndex, at: number, edge: Edge): Operation[] {
  const isEnd = edge === "right" && at === index.view.measures.length - 1;
  return withBarline(index, at, edge, isEnd ? { style: SIGNS.right.style } : null);
}

/** A barline for all parts: what single ones say would hide it. */
function withBarline(
  index: ScoreIndex,
  at: number,
  edge: Edge,
  value: { readonly [field: string]: string } | null,
): Operation[] {
  const measure = idAt(index, at);
  if (measure === null) {
    return [];
  }
  const scopes = barlinesAt(index, at, edge).map((place) => place.scope);
  const set = (scope: string, content: typeof value): Operation => ({
    ...{ op: "ChangeSetting", kind: "barline", measure, at: edge },
    ...{ scope, value: content },
  });
  return value === null
    ? scopes.map((scope) => set(scope, null))
    : [
        ...scopes.filter((scope) => scope !== "*").map((scope) => set(scope, null)),
        set("*", value),
      ];
}
