import { asNumber, asText } from "../../../web/src/engraving/entries.ts";
import { fifthsOf, type StaffSigns, unitOf } from "../../../web/src/engraving/signs.ts";
import type { Bar, MeasureBars, Sheet, Sign } from "./bars.ts";
import { ACCIDENTALS, CLEFS, keyPitches } from "./glyphs.ts";
import { drawSign, drawTies, type Heads } from "./notes.ts";
import { type Shape, SPACE, type System, type Target } from "./shapes.ts";

const MARGIN = 8;
const TOP = 45;
const STAFF = 4 * SPACE;
/** From the top line of one staff to that of the next. */
const STAVES_APART = 105;
const BELOW = 35;
const CLEF_WIDTH = 32;
const KEY_SIGN_WIDTH = 10;
const TIME_WIDTH = 24;
const COLUMN_WIDTH = 24;
const ACCIDENTAL_WIDTH = 13;
const PAD = 12;
/** A line of music that is fuller than this is spread over the whole width. */
const SPREAD_FROM = 0.6;
const STEPS = "CDEFGAB";
const REFERENCES: Readonly<Record<string, readonly [step: number, line: number]>> = {
  G: [32, 2],
  F: [24, 4],
  C: [28, 3],
};

interface Column {
  readonly onset: number;
  readonly width: number;
}

interface Measured {
  readonly measure: MeasureBars;
  readonly columns: readonly Column[];
  /** Of the signs before the first note, when it does not begin a system. */
  readonly lead: number;
  readonly width: number;
}

/** Lays a score out in lines of music of a width. */
export function systemsOf(sheet: Sheet, width: number): readonly System[] {
  const systems: System[] = [];
  let line: Measured[] = [];
  let taken = 0;
  const close = (): void => {
    if (line.length > 0) systems.push(drawSystem(sheet, line, width, systems.length === 0));
    line = [];
  };
  for (const measure of sheet.measures) {
    const measured = measuredOf(measure);
    const room = width - 2 * MARGIN - headWidth(line[0]?.measure ?? measure, systems.length === 0);
    if (line.length > 0 && taken + measured.width > room) {
      close();
      taken = 0;
    }
    taken += measured.width;
    line.push(measured);
  }
  close();
  return systems;
}

function measuredOf(measure: MeasureBars): Measured {
  const signs = measure.bars.flatMap((bar) => bar.signs);
  const onsets = [...new Set(signs.map((sign) => sign.onset))].sort((a, b) => a - b);
  const columns = onsets.map((onset, at): Column => {
    const here = signs.filter((sign) => sign.onset === onset);
    const isAltered = here.some((sign) => sign.notes.some((note) => note.accidental !== null));
    const graces = here.filter((sign) => sign.place.kind === "grace").length;
    const lasts = (onsets[at + 1] ?? onset + 1) - onset;
    const width =
      COLUMN_WIDTH * Math.min(2.2, Math.max(1, 1.3 + 0.4 * Math.log2(lasts || 1))) +
      (isAltered ? ACCIDENTAL_WIDTH : 0) +
      graces * ACCIDENTAL_WIDTH +
      Math.max(0, ...here.map((sign) => 6 * sign.syllable.length - COLUMN_WIDTH));
    return { onset, width };
  });
  const lead = Math.max(0, ...measure.bars.map((bar) => changeWidth(bar.begins)));
  const width = lead + 2 * PAD + columns.reduce((sum, column) => sum + column.width, 0);
  return { measure, columns, lead, width };
}

function changeWidth({ hasNewClef, hasNewKey, hasNewTime, signs }: StaffSigns): number {
  return (
    (hasNewClef ? CLEF_WIDTH : 0) +
    (hasNewKey ? KEY_SIGN_WIDTH * Math.abs(fifthsOf(signs.key)) : 0) +
    (hasNewTime ? TIME_WIDTH : 0)
  );
}

/** Clefs and keys at the left of a system, with the metre in the first one. */
function headWidth({ bars }: MeasureBars, isFirst: boolean): number {
  const keys = bars.map(({ begins }) => Math.abs(fifthsOf(begins.signs.key)));
  const time = isFirst || bars.some(({ begins }) => begins.hasNewTime) ? TIME_WIDTH : 0;
  return CLEF_WIDTH + KEY_SIGN_WIDTH * Math.max(0, ...keys) + time;
}

function drawSystem(
  sheet: Sheet,
  line: readonly Measured[],
  width: number,
  isFirst: boolean,
): System {
  const [first] = line;
  const shapes: Shape[] = [];
  const targets: Target[] = [];
  const heads: Heads = new Map();
  const tops = sheet.staves.map((_, row) => TOP + row * STAVES_APART);
  const height = (tops.at(-1) ?? TOP) + STAFF + BELOW;
  const head = first ? headWidth(first.measure, isFirst) : 0;
  // What the head of the system shows is not shown again.
  const widths = line.map((each, at) => each.width - (at === 0 ? each.lead : 0));
  const free = width - 2 * MARGIN - head;
  const wanted = widths.reduce((sum, each) => sum + each, 0);
  const stretch = wanted > free || wanted > SPREAD_FROM * free ? free / wanted : 1;
  let x = MARGIN;
  for (const [row, top] of tops.entries()) {
    const bar = first?.measure.bars[row];
    if (bar) drawHead(shapes, bar.begins, x, top, isFirst || bar.begins.hasNewTime);
  }
  x += head;
  const number = first?.measure.number ?? "";
  if (!isFirst && number !== "") {
    shapes.push({ kind: "text", at: [MARGIN, TOP - 12], text: number, size: 11 });
  }
  for (const [at, measured] of line.entries()) {
    const own = (widths[at] ?? 0) * stretch;
    drawMeasure(shapes, targets, heads, measured, tops, x, at === 0 ? 0 : measured.lead, stretch);
    x += own;
    drawBarline(shapes, tops, x);
  }
  for (const top of tops) {
    for (let each = 0; each < 5; each += 1) {
      const y = top + each * SPACE;
      shapes.unshift({ kind: "line", from: [MARGIN, y], to: [x, y], width: 1 });
    }
  }
  drawBarline(shapes, tops, MARGIN);
  drawTies(shapes, sheet.ties, heads);
  const measures = line.map(({ measure }) => measure.id);
  return { measures, width: Math.max(width, x + MARGIN), height, shapes, targets };
}

function drawBarline(shapes: Shape[], tops: readonly number[], x: number): void {
  const [top = TOP, bottom = TOP] = [tops[0], tops.at(-1)];
  shapes.push({ kind: "line", from: [x, top], to: [x, bottom + STAFF], width: 1.4 });
}

function drawMeasure(
  shapes: Shape[],
  targets: Target[],
  heads: Heads,
  { measure, columns }: Measured,
  tops: readonly number[],
  left: number,
  lead: number,
  stretch: number,
): void {
  const places = new Map<number, number>();
  let x = left + (lead + PAD) * stretch;
  for (const { onset, width } of columns) {
    places.set(onset, x + width * stretch - COLUMN_WIDTH / 2);
    x += width * stretch;
  }
  for (const [row, top] of tops.entries()) {
    const bar = measure.bars[row];
    if (!bar) continue;
    if (lead > 0) drawChanges(shapes, bar.begins, left + 4, top);
    const bottom = bottomStep(bar.begins);
    for (const sign of bar.signs) {
      const isWhole = isWholeMeasure(sign, bar);
      const at = isWhole ? (left + x) / 2 : (places.get(sign.onset) ?? left);
      drawSign(shapes, heads, sign, at, top, bottom, isWhole);
      if (sign.place.kind === "grace") continue;
      targets.push({
        id: sign.place.id,
        measure: measure.id,
        x: isWhole ? left : at - COLUMN_WIDTH / 2,
        y: top - TOP / 2,
        width: isWhole ? x - left : COLUMN_WIDTH,
        height: STAFF + TOP,
      });
    }
  }
}

function isWholeMeasure({ place, onset }: Sign, bar: Bar): boolean {
  return onset === 0 && bar.signs.length === 1 && (place.kind === "gap" || place.kind === "rest");
}

function drawHead(
  shapes: Shape[],
  begins: StaffSigns,
  left: number,
  top: number,
  hasTime: boolean,
): void {
  drawClef(shapes, begins, left + 16, top);
  const x = drawKey(shapes, begins, left + CLEF_WIDTH, top);
  if (hasTime) drawTime(shapes, begins, x + TIME_WIDTH / 2, top);
}

function drawChanges(shapes: Shape[], begins: StaffSigns, left: number, top: number): void {
  let x = left;
  if (begins.hasNewClef) {
    drawClef(shapes, begins, x + 14, top);
    x += CLEF_WIDTH;
  }
  if (begins.hasNewKey) x = drawKey(shapes, begins, x, top);
  if (begins.hasNewTime) drawTime(shapes, begins, x + TIME_WIDTH / 2, top);
}

function drawClef(shapes: Shape[], { signs }: StaffSigns, x: number, top: number): void {
  const { sign, line, octave } = clefOf(signs.clef);
  const glyph = CLEFS[sign] ?? CLEFS["G"];
  if (!glyph) return;
  shapes.push({ kind: "path", ...glyph, at: [x, top + STAFF - (line - 1) * SPACE] });
  if (octave !== 0) {
    const y = octave < 0 ? top + STAFF + 32 : top - 22;
    shapes.push({ kind: "text", at: [x, y], text: "8", size: 10 });
  }
}

function drawKey(shapes: Shape[], begins: StaffSigns, left: number, top: number): number {
  const fifths = fifthsOf(begins.signs.key);
  const { sign } = clefOf(begins.signs.clef);
  const glyph = ACCIDENTALS[fifths < 0 ? "f" : "s"];
  // One step lower in a bass staff, one higher in an alto staff, whatever the octave.
  const shift = sign === "F" ? 2 : sign === "C" ? 1 : 0;
  let x = left;
  for (const pitch of glyph ? keyPitches(fifths) : []) {
    const step = 7 * Number(pitch.slice(1)) + STEPS.indexOf(pitch.slice(0, 1));
    const y = top + STAFF - (step - 30 - shift) * (SPACE / 2);
    shapes.push({ kind: "path", d: "", width: null, ...glyph, at: [x + 5, y] });
    x += KEY_SIGN_WIDTH;
  }
  return x;
}

function drawTime(shapes: Shape[], { signs }: StaffSigns, x: number, top: number): void {
  const beats = signs.time?.["beats"];
  if (!Array.isArray(beats) || beats.length === 0) return;
  const common = { kind: "text", size: 25, isBold: true } as const;
  shapes.push({ ...common, at: [x, top + 19], text: beats.join("+") });
  shapes.push({ ...common, at: [x, top + 39], text: String(unitOf(signs.time)) });
}

/** The step of the bottom line. */
function bottomStep({ signs }: StaffSigns): number {
  const { sign, line, octave } = clefOf(signs.clef);
  const [step, usual] = REFERENCES[sign] ?? [32, 2];
  return step - 2 * ((sign in REFERENCES ? line : usual) - 1) + 7 * octave;
}

function clefOf(clef: Readonly<Record<string, unknown>>): {
  sign: string;
  line: number;
  octave: number;
} {
  const named = asText(clef["sign"]);
  const sign = named in CLEFS ? named : "G";
  const usual = REFERENCES[sign]?.[1] ?? 3;
  return { sign, line: asNumber(clef["line"], usual), octave: asNumber(clef["octave"], 0) };
}
