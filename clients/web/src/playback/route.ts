import type { Facets, MeasureView } from "bandpro-score";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asNumber, asText, entryOf } from "../engraving/entries.ts";
import { signPlace } from "../engraving/signs.ts";
import { oncePer } from "./once.ts";
import { type Jump, PLAIN, type Signs, unrolled } from "./repeats.ts";

/** A measure as it comes in playing: for the first time 0, for the second 1. */
export interface Step {
  readonly measure: string;
  readonly turn: number;
}

const USUAL_TIMES = 2;
/** Endings of more passes than this are not of music. */
const PASSES_MAX = 99;

/** The order in which the measures of a score are played. */
export class Route {
  readonly #steps: readonly Step[];
  readonly #places = new Map<string, number[]>();

  constructor(measures: readonly string[]) {
    this.#steps = measures.map((measure, place) => {
      const places = this.#places.get(measure) ?? [];
      this.#places.set(measure, places);
      return { measure, turn: places.push(place) - 1 };
    });
  }

  /** What comes after a measure; null at the end, undefined for one that is never played. */
  after({ measure, turn }: Step): Step | null | undefined {
    const places = this.#places.get(measure);
    // Somebody may have taken the repeat away while it was played.
    const place = places?.[turn] ?? places?.at(-1);
    return place === undefined ? undefined : (this.#steps[place + 1] ?? null);
  }
}

/** The route through a score as it is now. */
export const routeOf = oncePer((index: ScoreIndex) => {
  const { measures } = index.view;
  const order = unrolled(signsOf(index));
  return new Route(order.map((at) => measures[at]?.id ?? ""));
});

function signsOf(index: ScoreIndex): readonly Signs[] {
  const endings = endingsOf(index);
  const signs = index.view.measures.map((measure, at) => {
    const found = { ...barlinesOf(index.facets, measure), ...directionsOf(index.facets, measure) };
    const passes = endings.get(at);
    return passes || Object.keys(found).length > 0
      ? { ...PLAIN, ...found, endings: passes ?? null }
      : PLAIN;
  });
  // Without words for it, the first of two codas is where one leaves for the second.
  const codas = signs.flatMap(({ isCoda }, at) => (isCoda ? [at] : []));
  const [first = -1, second] = codas;
  return second === undefined || signs.some((each) => each.isToCoda)
    ? signs
    : signs.map((each, at) => (at === first ? { ...each, isToCoda: true } : each));
}

function barlinesOf(facets: Facets, measure: MeasureView): Partial<Signs> {
  let found: Partial<Signs> = {};
  for (const key of measure.settings) {
    if (!key.startsWith("barline|")) continue;
    const { at, value } = signPlace(facets, key, measure.id);
    if (at === "left" && value["repeat"] === "forward") {
      found = { ...found, isForward: true };
    } else if (at === "right" && value["repeat"] === "backward") {
      found = { ...found, times: Math.max(1, asNumber(value["times"], USUAL_TIMES)) };
    }
  }
  return found;
}

function directionsOf(facets: Facets, measure: MeasureView): Partial<Signs> {
  let found: Partial<Signs> = {};
  for (const id of measure.cells.flatMap((cell) => cell.directions)) {
    const { kind, text } = entryOf(facets, "dir", id);
    if (kind === "segno") found = { ...found, isSegno: true };
    else if (kind === "coda") found = { ...found, isCoda: true };
    else if (kind === "words") found = { ...found, ...said(asText(text)) };
  }
  return found;
}

/** What words say about where to go: *D.C. al Fine*, *To Coda*. */
function said(text: string): Partial<Signs> {
  const words = text
    .toLowerCase()
    .replace(/[.\s]+/g, " ")
    .trim();
  if (/^fine$/.test(words)) return { isFine: true };
  if (/^(to|alla?) coda\b/.test(words)) return { isToCoda: true };
  if (/^coda$/.test(words)) return { isCoda: true };
  const to = /^(d ?c|da capo)\b/.test(words)
    ? "start"
    : /^(d ?s|d[ae]l segno)\b/.test(words)
      ? "segno"
      : null;
  if (to === null) return {};
  const until: Jump["until"] = /\bcoda\b/.test(words)
    ? "coda"
    : /\bfine\b/.test(words)
      ? "fine"
      : "any";
  return { jump: { to, until } };
}

/** The passes of measures under endings, by the number of the measure. */
function endingsOf(index: ScoreIndex): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  for (const id of index.view.spanners) {
    const line = entryOf(index.facets, "sp", id);
    const passes = line["kind"] === "ending" ? passesIn(asText(line["text"])) : [];
    const first = index.measureIndex(asText(line["start"]));
    if (passes.length === 0 || first < 0) continue;
    for (let at = first; at <= index.measureIndex(asText(line["end"])); at += 1) {
      found.set(at, [...(found.get(at) ?? []), ...passes]);
    }
  }
  return found;
}

/** The numbers that an ending names: `1, 2`, `1.-3.`; none where it names none. */
function passesIn(text: string): readonly number[] {
  const found: number[] = [];
  for (const [, from = "", to = from] of text.matchAll(/(\d+)(?:\W*[-–]\W*(\d+))?/g)) {
    const last = Math.min(Number(to), PASSES_MAX);
    for (let pass = Number(from); pass <= last; pass += 1) found.push(pass);
  }
  return found;
}
