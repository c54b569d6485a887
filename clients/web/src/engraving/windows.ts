import { castOff, type Row } from "./casting.ts";
import { endingsInRow, type RowEnding, underEndings } from "./endings.ts";
import { lineMarkup, type OpenLine } from "./marks.ts";
import type { Sung, WrittenMeasure } from "./measures.ts";
import { measureElement, meiDocument, NEW_PAGE, scoreDefinition, stubMeasure } from "./mei.ts";
import type { MeasureSigns, Signs } from "./signs.ts";
import type { Staff } from "./staves.ts";
import { pageNeeded, rowRoom } from "./widths.ts";
import type { Writing } from "./writer.ts";

/** In the markup of a syllable after which the word goes on, or which is held. */
const GOES_ON = " con=";
/** So far is looked for the syllable before or after. */
const HELD_MEASURES_MAX = 8;

/** Lines that leave their measure, with the places of the measures at their ends. */
interface Crossing {
  readonly line: OpenLine;
  readonly from: number;
  readonly to: number;
}

/** Notes and lines beside a row, which it needs for lines that come into it or leave it. */
interface Stub {
  readonly items: Map<number, Set<string>>;
  lines: string;
}

/**
 * One row of a score, a system, drawn by itself. The engraver is given three pages: one with the
 * notes at which lines begin that come into the row, the row, and one with the notes at which
 * those end that leave it. So lines are cut at its ends as at those of any system, whatever lies
 * between. Only the page with the row is looked at.
 */
export class Window {
  /** Of its first measure: one row keeps its key while others are cast off anew. */
  readonly key: string;
  readonly measures: readonly string[];
  /** Which of the pages it is, from 1. */
  readonly page: number;
  /** Of the page, in units of the engraver. */
  readonly width: number;
  /** The same objects as long as the same is drawn. */
  readonly #from: readonly unknown[];
  readonly #row: RowContent;
  #text: string | null = null;
  #content: string | null = null;

  constructor(
    measures: readonly string[],
    page: number,
    width: number,
    from: readonly unknown[],
    row: RowContent,
  ) {
    this.key = measures[0] ?? "";
    this.measures = measures;
    this.page = page;
    this.width = width;
    this.#from = from;
    this.#row = row;
  }

  /** What the engraver is given. */
  get text(): string {
    this.#text ??= rowText(this.#row);
    return this.#text;
  }

  /** All that its picture depends on: windows that have the same are drawn alike. */
  get content(): string {
    this.#content ??= `${this.page} ${this.width} ${this.text}`;
    return this.#content;
  }

  /** Whether the same is drawn in both, without either being written. */
  isSame(other: Window): boolean {
    return (
      this.page === other.page &&
      this.width === other.width &&
      this.#from.length === other.#from.length &&
      this.#from.every((each, at) => each === other.#from[at])
    );
  }
}

/** Casts a score off into windows; those in which nothing changed stay the same objects. */
export class Windows {
  #windows: readonly Window[] = [];
  #width = 0;

  /** @param width of a page, in units of the engraver. */
  cast(writing: Writing, width: number): readonly Window[] {
    const former = new Map(
      this.#width === width ? this.#windows.map((window) => [window.key, window] as const) : [],
    );
    this.#width = width;
    const room = (first: number) =>
      rowRoom(width, writing.parts, writing.signs[first], first === 0);
    const rows = castOff(writing.measures, room, new Set(former.keys()));
    this.#windows = windowsOf(writing, rows, width).map((made) => {
      const held = former.get(made.key);
      return held?.isSame(made) ? held : made;
    });
    return this.#windows;
  }
}

/** Each row as a window. */
export function windowsOf(
  writing: Writing,
  rows: readonly Row[],
  width: number,
): readonly Window[] {
  const { measures, parts, signs } = writing;
  const crossings = crossingsOf(measures, rows);
  return rows.map((row, index) => {
    const own = measures.slice(row.first, row.last + 1);
    const natural = own.reduce((sum, measure) => sum + measure.width, 0);
    const room = rowRoom(width, parts, signs[row.first], row.first === 0);
    return windowOf(writing, row, crossings[index] ?? [], pageNeeded(natural, width, room));
  });
}

/** All of a score on one page. */
export function wholeText(writing: Writing): string {
  const row = { first: 0, last: writing.measures.length - 1 };
  const [crossings = []] = crossingsOf(writing.measures, [row]);
  return windowOf(writing, row, crossings, 0).text;
}

/** Sorts the lines that may leave their measures by the rows that they touch. */
function crossingsOf(
  measures: readonly WrittenMeasure[],
  rows: readonly Row[],
): readonly (readonly Crossing[])[] {
  const indices = new Map(measures.map((measure, index) => [measure.id, index]));
  const rowOf = rows.flatMap((row, at) => Array<number>(row.last - row.first + 1).fill(at));
  const found: Crossing[][] = rows.map(() => []);
  for (const [from, measure] of measures.entries()) {
    for (const line of measure.lines) {
      const to = indices.get(line.to);
      if (to !== undefined) {
        const [first, last] = [rowOf[Math.min(from, to)] ?? 0, rowOf[Math.max(from, to)] ?? 0];
        for (let row = first; row <= last; row += 1) {
          found[row]?.push({ line, from, to });
        }
      }
    }
  }
  return found;
}

function windowOf(
  { measures, parts, signs, staves, endings: all }: Writing,
  row: Row,
  crossings: readonly Crossing[],
  width: number,
): Window {
  const before: Stub = { items: new Map(), lines: "" };
  const after: Stub = { items: new Map(), lines: "" };
  const lines = new Map<number, string>();
  for (const crossing of crossings) {
    place(crossing, measures, row, before, after, lines);
  }
  const own = measures.slice(row.first, row.last + 1);
  const next = measures[row.last + 1];
  for (const { number } of staves) {
    joinWords(number, measures, row.first, before, null);
    joinWords(number, measures, row.last + 1, null, after);
  }
  const held = staves.map((staff) => signsBefore(staff, signs[row.first], signs[row.first - 1]));
  const stubs = [...flat(before), null, ...flat(after)];
  const begun = own.map((_, at) => lines.get(row.first + at) ?? "");
  const endings = endingsInRow(all, row);
  const from = [
    ...[staves, ...held.flatMap(({ clef, key, time }) => [clef, key, time])],
    ...[...own, next?.change, ...begun, ...stubs],
    ...endings.map((ending) => JSON.stringify(ending)),
  ];
  const content = {
    parts,
    staves,
    held,
    own,
    begun,
    endings,
    before: row.first > 0 ? before : null,
    after: next ? { ...after, change: next.change } : null,
  };
  const ids = own.map((measure) => measure.id);
  return new Window(ids, row.first > 0 ? 2 : 1, width, from, content);
}

/**
 * What a row is written of, when it is asked for. Not a function: a window lives as long as its row
 * stays the same, and with a closure lives all that it was made beside, the windows before it, and
 * so all that ever were.
 */
interface RowContent {
  readonly parts: Writing["parts"];
  readonly staves: readonly Staff[];
  /** What holds on each staff before the row. */
  readonly held: readonly Signs[];
  readonly own: readonly WrittenMeasure[];
  /** Lines that begin in each of its measures. */
  readonly begun: readonly string[];
  readonly endings: readonly RowEnding[];
  readonly before: Stub | null;
  readonly after: (Stub & { readonly change: string }) | null;
}

function rowText({ parts, staves, held, own, begun, endings, before, after }: RowContent): string {
  const head = scoreDefinition(parts, (staff) => held[staff.number - 1] as Signs);
  const measures = own.map((measure, at) => measureElement(measure, begun[at] ?? ""));
  const content = [underEndings(measures, endings)];
  if (before) {
    content.unshift(stubMeasure(before.items, before.lines, staves), NEW_PAGE);
  }
  if (after) {
    content.push(NEW_PAGE, after.change, stubMeasure(after.items, after.lines, staves));
  }
  return meiDocument(head, content.join(""));
}

/** Puts a line where it begins, and what it ends at beside the row if that is outside of it. */
function place(
  { line, from, to }: Crossing,
  measures: readonly WrittenMeasure[],
  row: Row,
  before: Stub,
  after: Stub,
  lines: Map<number, string>,
): void {
  const stubOf = (at: number) => (at < row.first ? before : at > row.last ? after : null);
  const tstamp = measures[to]?.tstamps.get(line.end);
  for (const [id, at] of [
    [line.start, from],
    [line.end, to],
  ] as const) {
    const measure = measures[at];
    const item = measure?.items.get(id);
    if (item === undefined && !measure?.tstamps.has(id)) {
      return; // nothing is drawn at which it could begin or end
    }
    const stub = stubOf(at);
    // A hairpin begins and ends at beats, not at notes.
    if (item && stub && line.name !== "hairpin") {
      const items = stub.items.get(item.staff) ?? new Set();
      // Words of its own would lead to those of the row.
      stub.items.set(item.staff, items.add(withoutWords(item.markup)));
    }
  }
  const near = (at: number) => Math.min(Math.max(at, row.first - 1), row.last + 1);
  const markup = lineMarkup(line, Math.max(0, near(to) - near(from)), tstamp ?? "");
  const stub = stubOf(from);
  if (stub) {
    stub.lines += markup;
  } else {
    lines.set(from, (lines.get(from) ?? "") + markup);
  }
}

/**
 * Adds the syllables of a word, or a held one, that goes over the start of a measure: hyphens and
 * lines are drawn between them.
 */
function joinWords(
  staff: number,
  measures: readonly WrittenMeasure[],
  start: number,
  before: Stub | null,
  after: Stub | null,
): void {
  const last = nearest(measures, start - 1, -1, staff)?.last;
  if (last === undefined || !last.includes(GOES_ON)) {
    return;
  }
  const leading = [...(before?.items.get(staff) ?? [])].filter(
    (each) => each !== withoutWords(last),
  );
  before?.items.set(staff, new Set([...leading, last]));
  const first = after && nearest(measures, start, 1, staff)?.first;
  if (first) {
    const others = [...(after.items.get(staff) ?? [])];
    const left = others.filter((each) => each !== withoutWords(first));
    after.items.set(staff, new Set([first, ...left]));
  }
}

function withoutWords(markup: string): string {
  return markup.replace(/<verse\b.*?<\/verse>/gs, "");
}

function nearest(
  measures: readonly WrittenMeasure[],
  from: number,
  by: 1 | -1,
  staff: number,
): Sung | undefined {
  for (let at = from; Math.abs(at - from) < HELD_MEASURES_MAX; at += by) {
    const sung = measures[at]?.sung.get(staff);
    if (sung) {
      return sung;
    }
  }
  return undefined;
}

function flat({ items, lines }: Stub): unknown[] {
  return [lines, ...[...items].flatMap(([staff, markups]) => [staff, ...markups])];
}

/**
 * What holds on a staff before a row. A new clef stands before the barline, in the row above; new
 * keys and metres stand in the row.
 */
function signsBefore(
  staff: Staff,
  here: MeasureSigns | undefined,
  former: MeasureSigns | undefined,
): Signs {
  const own = here?.staves.get(staff.number)?.signs;
  const held = former?.staves.get(staff.number)?.signs ?? own;
  return { clef: own?.clef ?? {}, key: held?.key ?? {}, time: held?.time ?? null };
}
