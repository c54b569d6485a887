// What is where in the pictures of rows: pixels from their upper left corners.
import { toNumber } from "bandpro-score";
import type { OnStaff, ScoreIndex } from "../editing/score-index.ts";
import type { Place } from "../engraving/places.ts";
import { drawnOf } from "./drawn.ts";

/** One staff of one measure. */
export interface DrawnStaff {
  readonly measure: string;
  /** Counts the staves of the picture from 0, and how many they are. */
  readonly row: number;
  readonly rows: number;
  /** Of what is drawn on it. */
  readonly ids: ReadonlySet<string>;
  readonly left: number;
  readonly right: number;
  /** The highest line, and the lowest. */
  readonly top: number;
  readonly bottom: number;
}

/** A line of moments: where one is, across. */
export type Across = (onset: number) => number;

interface Known {
  readonly width: number;
  readonly staves: readonly DrawnStaff[];
  readonly moments: Map<string, { readonly places: readonly Place[]; readonly across: Across }>;
}

const LINES_IN_STAFF = 5;
/** From the lowest line to the highest. */
export const STEPS_IN_STAFF = 8;
const POINTED = ".note, .rest, .mRest";
const SIGNS = ".clef, .keySig, .meterSig";
/** How far off a finger is from what it means, and a mouse. */
const REACH_PX = 40;
const MOUSE_REACH_PX = 12;
/** What is looked up once is known for as long as the picture is there, at one width. */
const pictures = new WeakMap<Element, Known>();

/** The note or rest that was pointed at, or the nearest one within reach. */
export function pointedAt(event: MouseEvent, box: HTMLElement): string | null {
  const target = event.target instanceof Element ? event.target.closest(POINTED) : null;
  if (target?.id) return target.id;
  const isByMouse = event instanceof PointerEvent && event.pointerType === "mouse";
  let [best, least]: [string | null, number] = [null, isByMouse ? MOUSE_REACH_PX : REACH_PX];
  for (const element of box.querySelectorAll(POINTED)) {
    const rect = element.getBoundingClientRect();
    const across = Math.max(rect.left - event.clientX, 0, event.clientX - rect.right);
    const down = Math.max(rect.top - event.clientY, 0, event.clientY - rect.bottom);
    const distance = Math.hypot(across, down);
    if (distance < least && element.id) [best, least] = [element.id, distance];
  }
  return best;
}

/** A point of a row. */
export interface Pointed {
  readonly row: HTMLElement;
  readonly x: number;
  readonly y: number;
}

export function pointOf(event: MouseEvent): Pointed | null {
  const row = event.target instanceof Element ? event.target.closest<HTMLElement>(".page") : null;
  if (!row) return null;
  const { left, top } = row.getBoundingClientRect();
  return { row, x: event.clientX - left, y: event.clientY - top };
}

/** The staff nearest to a point; null where there is none within so many of its steps. */
export function staffAt({ row, x, y }: Pointed, stepsMax: number): DrawnStaff | null {
  let [best, least]: [DrawnStaff | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const staff of pictureOf(row)?.staves ?? []) {
    const distance = Math.max(staff.top - y, 0, y - staff.bottom);
    const isIn = x >= staff.left && x <= staff.right;
    if (isIn && distance < least) [best, least] = [staff, distance];
  }
  return best && least <= stepsMax * stepOf(best) ? best : null;
}

/**
 * Which staff of the score a drawn one is; null where that is not known. The picture may be older
 * than the score, and parts were put in, moved or taken away since: what is on a staff tells.
 */
export function staffOf(
  index: ScoreIndex,
  { measure, row, rows, ids }: Pick<DrawnStaff, "measure" | "row" | "rows" | "ids">,
): OnStaff | null {
  if (index.measureIndex(measure) < 0) return null;
  const isOnIt = (place: Place) => ids.has(place.id) || place.events.some((id) => ids.has(id));
  const place = index.inMeasure(measure).find(isOnIt);
  if (place) return { part: place.part, staff: place.staff };
  const counted = rows === index.staves.length ? index.staves[row] : undefined;
  return counted ? { part: counted.part, staff: counted.within } : null;
}

/** From a line to the space beside it. */
export function stepOf({ top, bottom }: DrawnStaff): number {
  return (bottom - top) / STEPS_IN_STAFF;
}

/** Where moments of a measure are, by what is drawn in it on all staves; between, in proportion. */
export function acrossIn(row: HTMLElement, index: ScoreIndex, staff: DrawnStaff): Across {
  const known = pictureOf(row);
  const places = index.inMeasure(staff.measure);
  const held = known?.moments.get(staff.measure);
  if (held?.places === places) return held.across;
  const across = through(momentsDrawn(row, places, staff));
  known?.moments.set(staff.measure, { places, across });
  return across;
}

type Point = readonly [onset: number, x: number];

function momentsDrawn(row: HTMLElement, places: readonly Place[], staff: DrawnStaff): Point[] {
  const { left } = row.getBoundingClientRect();
  const found = new Map<number, number>();
  let end = 0;
  for (const { id, kind, onset, duration } of places) {
    end = Math.max(end, toNumber(onset) + toNumber(duration));
    const element = kind === "grace" ? null : drawnOf(row, id);
    // A rest of the whole measure stands in its middle.
    if (!element || element.classList.contains("mRest")) continue;
    const rect = (element.querySelector(".notehead") ?? element).getBoundingClientRect();
    const x = (rect.left + rect.right) / 2 - left;
    found.set(toNumber(onset), Math.min(x, found.get(toNumber(onset)) ?? x));
  }
  const step = stepOf(staff);
  if (!found.has(0)) found.set(0, contentLeft(row, staff) + 2 * step);
  const points = [...found].sort(([a], [b]) => a - b);
  return [...points, [Math.max(end, (points.at(-1)?.[0] ?? 0) + 1), staff.right - step]];
}

/** Where the music of a measure begins: behind its clefs, keys and metres. */
function contentLeft(row: HTMLElement, { measure, left, right }: DrawnStaff): number {
  const edge = row.getBoundingClientRect().left;
  const ends = [...(drawnOf(row, measure)?.querySelectorAll(SIGNS) ?? [])]
    .map((sign) => sign.getBoundingClientRect().right - edge)
    // A clef at the end is that of the next measure.
    .filter((end) => end < (left + right) / 2);
  return Math.max(left, ...ends);
}

function through(points: readonly Point[]): Across {
  return (onset) => {
    const at = points.findIndex(([time]) => time >= onset);
    const [after, before] = [points[at] ?? points.at(-1), points[at - 1]];
    if (!after) return 0;
    if (!before || after[0] === before[0]) return after[1];
    const share = (onset - before[0]) / (after[0] - before[0]);
    return before[1] + share * (after[1] - before[1]);
  };
}

function pictureOf(row: HTMLElement): Known | null {
  const picture = row.querySelector(":scope > svg");
  if (!picture) return null;
  const { left, top, width } = row.getBoundingClientRect();
  const held = pictures.get(picture);
  if (held?.width === width) return held;
  const staves = [...picture.querySelectorAll("g.measure")].flatMap((measure) =>
    [...measure.querySelectorAll(":scope > g.staff")].flatMap((staff, at, { length }) => {
      const lines = staffLines(staff);
      if (!lines) return [];
      const ids = new Set([...staff.querySelectorAll(POINTED)].map(({ id }) => id));
      return [
        {
          ...{ measure: measure.id, row: at, rows: length, ids },
          ...{ left: lines.left - left, right: lines.right - left },
          ...{ top: lines.top - top, bottom: lines.bottom - top },
        },
      ];
    }),
  );
  const known: Known = { width, staves, moments: new Map() };
  pictures.set(picture, known);
  return known;
}

/** The lines of a staff, in pixels of the window; null where it has other ones. */
export function staffLines(
  staff: Element | null,
): Readonly<Record<"left" | "right" | "top" | "bottom", number>> | null {
  const lines = [...(staff?.querySelectorAll(":scope > path") ?? [])].slice(0, LINES_IN_STAFF);
  const rects = lines.map((line) => line.getBoundingClientRect());
  const [first] = rects;
  if (!first || rects.length < LINES_IN_STAFF) return null;
  const tops = rects.map(({ top }) => top);
  const { left, right } = first;
  return { left, right, top: Math.min(...tops), bottom: Math.max(...tops) };
}
