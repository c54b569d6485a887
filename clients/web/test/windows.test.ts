import { type Facets, normalise } from "bandpro-score";
import { VerovioToolkit } from "verovio/esm";
import createVerovioModule from "verovio/wasm";
import { expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { castOff } from "../src/engraving/casting.ts";
import { OPTIONS, PAGE_HEIGHT } from "../src/engraving/options.ts";
import { type Window, Windows, wholeText } from "../src/engraving/windows.ts";
import { ScoreWriter, type Writing } from "../src/engraving/writer.ts";

const toolkit = new VerovioToolkit(await createVerovioModule());
const WIDTH = 1_000;
/** What is compared between a row and the same system within the whole score. */
const CLASSES = [
  ...["note", "rest", "mRest", "chord", "beam", "tuplet", "dots", "accid", "stem", "flag"],
  ...["clef", "keySig", "keyAccid", "meterSig", "tie", "slur", "hairpin", "dynam", "fermata"],
  ...["artic", "syl", "tempo", "ending", "barLine", "staff", "measure", "labelAbbr", "mNum"],
];

function writingOf(facets: Facets): Writing {
  return new ScoreWriter().write(normalise(facets), facets);
}

function drawn(mei: string, page: number): string {
  toolkit.setOptions({ ...OPTIONS, pageWidth: WIDTH, pageHeight: PAGE_HEIGHT });
  expect(toolkit.loadData(mei)).toBeTruthy();
  return toolkit.renderToSVG(page);
}

function counts(svg: string): Record<string, number> {
  const all = [...svg.matchAll(/ class="([-\w ]+)"/g)].flatMap(([, names]) => names?.split(" "));
  return Object.fromEntries(
    CLASSES.map((name) => [name, all.filter((each) => each === name).length]),
  );
}

function ids(svg: string, name: string): string[] {
  const found = svg.matchAll(/<g id="([^"]+)" class="(\w+)/g);
  return [...found].filter(([, , kind]) => kind === name).map(([, id]) => id ?? "");
}

/** The systems of the whole score, broken where the rows begin: each on a page of its own. */
function systems(writing: Writing, windows: readonly Window[]): string[] {
  let mei = wholeText(writing);
  for (const { key } of windows.slice(1)) {
    // New keys and metres stand before the break, as they do between rows.
    mei = mei.replace(
      new RegExp(
        `(<scoreDef><staffGrp><staffDef n="\\d+"><(?:key|meter)Sig(?:(?!</scoreDef>).)*</scoreDef>)?<measure xml:id="${key}"`,
      ),
      (found) => `<pb/>${found}`,
    );
  }
  drawn(mei, 1);
  expect(toolkit.getPageCount()).toBe(windows.length);
  return windows.map((_, at) => toolkit.renderToSVG(at + 1));
}

/** Draws a score row by row and as a whole; both must show the same in each row. */
function compared(facets: Facets): { windows: readonly Window[]; rows: string[] } {
  const writing = writingOf(facets);
  const windows = new Windows().cast(writing, WIDTH);
  const rows = windows.map((window) => drawn(window.text, window.page));
  for (const [at, system] of systems(writing, windows).entries()) {
    const row = rows[at] ?? "";
    expect([at, counts(row)]).toEqual([at, counts(system)]);
    for (const name of ["note", "rest", "mRest", "chord", "measure"]) {
      expect([at, name, ids(row, name)]).toEqual([at, name, ids(system, name)]);
    }
  }
  return { windows, rows };
}

const BARS = 12;
const at = (measure: number, onset: number, duration: [number, number] = [1, 1]) => ({
  ...{ part: "p", measure: `m${measure}`, kind: "note", onset: [onset, 1], duration },
  ...{ voice: 1, staff: 1 },
});

/** Twelve measures of 4/4, with a note on each beat: n1-0 to n12-3. */
function quarters(more: Record<string, Record<string, unknown>>): Facets {
  const bars = Array.from({ length: BARS }, (_, index) => index + 1);
  const notes = bars.flatMap((bar) => [0, 1, 2, 3].map((beat) => [bar, beat] as const));
  return {
    meta: {},
    parts: { p: { order: "a", name: "Violin", staves: 1 } },
    measures: Object.fromEntries(
      bars.map((bar) => [`m${bar}`, { order: String.fromCharCode(96 + bar), number: `${bar}` }]),
    ),
    ev: Object.fromEntries(notes.map(([bar, beat]) => [`n${bar}-${beat}`, at(bar, beat)])),
    pt: Object.fromEntries(
      notes.map(([bar, beat]) => [`n${bar}-${beat}`, { step: "A", octave: 4 }]),
    ),
    ...more,
    attr: { "time|m1|*|0/1": { beats: [4], unit: 4 }, ...more["attr"] },
  };
}

test("rows of the chorale show what the whole score shows there", () => {
  const facets = cases.find((each) => each.name === "chorale")?.facets as Facets;
  const { windows } = compared(facets);
  expect(windows.length).toBeGreaterThan(2);
});

test("staves in which nothing is written are drawn in each row, and a row of nothing else too", () => {
  const facets = quarters({
    parts: {
      p: { order: "a", name: "Violin", staves: 1 },
      q: { order: "b", name: "Piano", staves: 2 },
    },
    ev: { only: at(1, 0) },
    pt: { only: { step: "A", octave: 4 } },
  });
  const { windows, rows } = compared(facets);
  expect(windows.length).toBeGreaterThan(1);
  const staves = windows.map(({ measures }) => measures.length * 3);
  expect(rows.map((row) => counts(row)["staff"])).toEqual(staves);
});

test("ties, slurs and hairpins go over the ends of rows, and over whole rows", () => {
  const facets = quarters({
    sp: {
      tie: { kind: "tie", start: "n2-3", end: "n3-0" },
      tie2: { kind: "tie", start: "n4-3", end: "n5-0" },
      near: { kind: "slur", start: "n2-1", end: "n3-2" },
      far: { kind: "slur", start: "n1-2", end: "n9-1" },
      wedge: { kind: "wedge", start: "w1", end: "w2" },
      within: { kind: "wedge", start: "w3", end: "w4" },
    },
    dir: Object.fromEntries(
      [
        ["w1", 2, "crescendo"],
        ["w2", 8, "stop"],
        ["w3", 9, "diminuendo"],
        ["w4", 9, "stop"],
      ].map(([id, bar, text]) => [
        id,
        { part: "p", measure: `m${bar}`, onset: [text === "stop" ? 3 : 1, 1], kind: "wedge", text },
      ]),
    ),
  });
  const { windows, rows } = compared(facets);
  expect(windows.length).toBeGreaterThan(3);
  const over = windows.filter((window) => {
    const bars = window.measures.map((id) => Number(id.slice(1)));
    return Math.min(...bars) > 3 && Math.max(...bars) < 8;
  });
  expect(over.length).toBeGreaterThan(0);
  for (const window of over) {
    const row = counts(rows[windows.indexOf(window)] ?? "");
    expect([row["slur"], row["hairpin"]]).toEqual([1, 1]);
  }
});

test("EDITOR-20 a hairpin from note to note goes over the ends of rows until its last note ends", () => {
  const wedge = (start: string, end: string) =>
    quarters({ sp: { w: { kind: "wedge", start, end, text: "diminuendo" } } });
  const { windows, rows } = compared(wedge("n3-1", "n7-3"));
  const touched = windows.map(({ measures }) =>
    measures.some((id) => [3, 4, 5, 6, 7].includes(Number(id.slice(1)))),
  );
  expect(touched.filter((is) => is).length).toBeGreaterThan(1);
  expect(rows.map((row) => counts(row)["hairpin"])).toEqual(touched.map(Number));
  // Where the last note is the last of its row, the hairpin does not begin in the next.
  const last = windows[0]?.measures.at(-1)?.slice(1);
  const within = compared(wedge("n1-1", `n${last}-3`));
  expect(within.rows.map((row) => counts(row)["hairpin"]).slice(0, 2)).toEqual([1, 0]);
});

test("a word at which a slur begins does not lead to those of the next row", () => {
  const { windows } = compared(quarters({}));
  const [bar, next] = [windows[0]?.measures.at(-1), windows[1]?.measures[0]].map((id) =>
    Number(id?.slice(1)),
  );
  const facets = quarters({
    sp: { slur: { kind: "slur", start: `n${bar}-0`, end: `n${next}-1` } },
    ly: {
      [`n${bar}-0|1`]: { text: "Sun", syllabic: "begin" },
      [`n${bar}-1|1`]: { text: "set", syllabic: "end" },
      [`n${next}-0|1`]: { text: "is", syllabic: "single" },
    },
  });
  const { rows } = compared(facets);
  const hyphens = rows.map((row) => [...row.matchAll(/class="syl">(?:(?!<\/g>).)*<rect/gs)].length);
  expect(hyphens.slice(0, 2)).toEqual([1, 0]);
});

/** The lines of endings in a picture, as their texts and how many strokes they have. */
function brackets(svg: string): (readonly [text: string, strokes: number])[] {
  return [...svg.matchAll(/class="voltaBracket">(.*?)<\/g>/gs)].map(([, drawn = ""]) => {
    const text = drawn.replace(/<[^>]*>/g, "").trim();
    return [text, drawn.split("<path").length - 1] as const;
  });
}

test("endings go over the ends of rows, with their number once, open where they go on", () => {
  const facets = quarters({
    sp: {
      first: { kind: "ending", start: "m2", end: "m9", text: "1, 2" },
      second: { kind: "ending", start: "m10", end: "m10", text: "3" },
      // Another one begins within it, one ends before it begins, and one is nowhere.
      within: { kind: "ending", start: "m4", end: "m11", text: "9" },
      back: { kind: "ending", start: "m12", end: "m11", text: "9" },
      nowhere: { kind: "ending", start: "m12", end: "n1-0", text: "9" },
    },
    attr: { "barline|m9|*|right": { repeat: "backward" } },
  });
  const { windows, rows } = compared(facets);
  const isIn = (bar: number, row: Window) => row.measures.includes(`m${bar}`);
  const isBetween = (row: Window) => row.measures.every((id) => /^m[3-8]$/.test(id));
  expect(windows.filter(isBetween).length).toBeGreaterThan(0);
  for (const [at, row] of windows.entries()) {
    expect([at, brackets(rows[at] ?? "")]).toEqual([
      at,
      [
        // The line and the stroke down where it begins; without any; and where it comes down.
        ...(isIn(2, row) ? [["1., 2.", 2]] : []),
        ...(isBetween(row) ? [["", 1]] : []),
        ...(isIn(9, row) ? [["", 2]] : []),
        ...(isIn(10, row) ? [["3.", 2]] : []),
      ],
    ]);
  }
});

test("the line of an ending comes down where something ends, and says what it is told to", () => {
  const ends = [{ repeat: "backward" }, { style: "light-heavy" }, { style: "light-light" }];
  const facets = quarters({
    sp: Object.fromEntries(
      ["2", "", "<Fine> & 3", "4,5"].map((text, at) => [
        `e${at}`,
        { kind: "ending", start: `m${at + 2}`, end: `m${at + 2}`, text },
      ]),
    ),
    attr: Object.fromEntries(ends.map((value, at) => [`barline|m${at + 3}|*|right`, value])),
  });
  expect(brackets(drawn(wholeText(writingOf(facets)), 1))).toEqual([
    ["2.", 2],
    ["", 3],
    ["&lt;Fine&gt; &amp; 3", 3],
    ["4., 5.", 3],
  ]);
});

test("keys, metres and clefs hold on in the rows after them, and warn in the row before", () => {
  const facets = quarters({
    attr: {
      "key|m1|*|0/1": { fifths: 2 },
      ...Object.fromEntries(
        Array.from({ length: 8 }, (_, index) => [
          `key|m${index + 3}|*|0/1`,
          { fifths: index % 2 === 0 ? -3 : 4 },
        ]),
      ),
      "time|m6|*|0/1": { beats: [2, 2], unit: 4 },
      "time|m7|*|0/1": { beats: [4], unit: 4 },
      "clef|m1|p|0/1": { sign: "G", line: 2 },
      "clef|m4|p|2/1": { sign: "C", line: 3 },
      "clef|m7|p|0/1": { sign: "F", line: 4 },
      "clef|m8|p|0/1": { sign: "G", line: 2 },
      "clef|m9|p|0/1": { sign: "C", line: 4 },
    },
  });
  compared(facets);
});

test("tuplets and beams stay within their row", () => {
  const third = [1, 3] as [number, number];
  const facets = quarters({
    sp: { tu: { kind: "tuplet", start: "t1", end: "t3", actual: 3, normal: 2 } },
  }) as Record<string, Record<string, unknown>>;
  for (const [index, id] of ["t1", "t2", "t3"].entries()) {
    const event = { ...at(5, 0, third), onset: [index, 3] };
    facets["ev"] = { ...facets["ev"], [id]: event };
    facets["pt"] = { ...facets["pt"], [id]: { step: "B", octave: 4 } };
  }
  delete facets["ev"]?.["n5-0"];
  const { rows } = compared(facets);
  expect(rows.filter((row) => counts(row)["tuplet"] === 1).length).toBe(1);
});

/** How wide the engraver draws each measure when nothing presses them. */
function natural(writing: Writing): number[] {
  const free = { breaks: "none", adjustPageWidth: true, pageWidth: 20_000 };
  toolkit.setOptions({ ...OPTIONS, pageHeight: PAGE_HEIGHT, ...free });
  expect(toolkit.loadData(wholeText(writing))).toBeTruthy();
  const svg = toolkit.renderToSVG(1);
  toolkit.setOptions({ adjustPageWidth: false });
  const ends = [...svg.matchAll(/class="barLine">\s*<path d="M(\d+)/g)].map(
    ([, x]) => Number(x) / 10,
  );
  return ends.map((end, at) => end - (ends[at - 1] ?? 0));
}

test("a measure with new signs takes about as much of a row as the engraver does", () => {
  const changes = {
    none: {},
    key: { "key|m3|*|0/1": { fifths: -5 } },
    metre: { "time|m3|*|0/1": { beats: [2], unit: 2 } },
    repeat: {
      "barline|m3|*|left": { style: "heavy-light", repeat: "forward" },
      "barline|m3|*|right": { style: "light-heavy", repeat: "backward" },
    },
  };
  for (const [name, attr] of Object.entries(changes)) {
    const writing = writingOf(quarters({ attr }));
    const ratio = (writing.measures[2]?.width ?? 0) / (natural(writing)[2] ?? 0);
    expect([name, ratio > 0.95, ratio < 1.125]).toEqual([name, true, true]);
  }
});

test("rows stay where they were while they fill the page well enough", () => {
  const bars = (...widths: readonly number[]) =>
    widths.map((width, index) => ({ id: `m${index}`, width }));
  const starts = (widths: readonly number[], begun: readonly string[] = []) =>
    castOff(bars(...widths), () => 100, new Set(begun)).map((row) => row.first);
  const even = [30, 30, 30, 30, 30, 30, 30, 30, 30];
  expect(starts(even)).toEqual([0, 3, 6]);
  // A third measure that grows would end its row, were it not for the one before.
  const grown = [30, 30, 45, 30, 30, 30, 30, 30, 30];
  expect(starts(grown)).toEqual([0, 2, 4, 7]);
  expect(starts(grown, ["m0", "m3", "m6"])).toEqual([0, 3, 6]);
  // Too much for one row: only this one is broken, the next one begins where it did.
  expect(starts([30, 30, 80, 30, 30, 30], ["m0", "m3"])).toEqual([0, 2, 3]);
  // Too little: it takes in the next row.
  expect(starts([5, 5, 10, 30, 30, 30], ["m0", "m3"])).toEqual([0]);
  // Measures that are wider than the page have rows of their own.
  expect(starts([300, 20, 300])).toEqual([0, 1, 2]);
});
