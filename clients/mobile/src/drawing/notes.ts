import type { Line } from "../../../web/src/engraving/lines.ts";
import type { Note, Sign } from "./bars.ts";
import { ACCIDENTALS, FLAG, FLAGS, RESTS } from "./glyphs.ts";
import { type Shape, SPACE } from "./shapes.ts";

/** Where the heads of a system are, by note. */
export type Heads = Map<string, readonly [x: number, y: number]>;

const HALF = SPACE / 2;
const STEM = 35;
const HEAD = 6;
const GRACE_SCALE = 0.65;
const TOP_STEPS = 8;
const MIDDLE_STEPS = 4;
const STEMLESS: ReadonlySet<string> = new Set(["1", "breve", "long"]);
const OPEN: ReadonlySet<string> = new Set(["2", ...STEMLESS]);

/** Draws a note, a chord or a rest at a column. */
export function drawSign(
  shapes: Shape[],
  heads: Heads,
  sign: Sign,
  x: number,
  top: number,
  bottom: number,
  isWhole: boolean,
): void {
  const { notes, place, syllable } = sign;
  if (notes.length === 0) {
    drawRest(shapes, sign, x, top, isWhole);
    return;
  }
  const isGrace = place.kind === "grace";
  const scale = isGrace ? GRACE_SCALE : 1;
  const at = isGrace ? x - 15 : x;
  const base = top + 4 * SPACE;
  const levels = notes.map((note) => (note.step === null ? MIDDLE_STEPS : note.step - bottom));
  const isUp = isGrace || goesUp(sign, levels);
  const sides = sidesOf(levels, isUp);
  for (const [number, note] of notes.entries()) {
    const level = levels[number] ?? 0;
    const y = base - level * HALF;
    const side = at + (sides[number] ?? 0) * 2 * HEAD * scale;
    drawHead(shapes, heads, sign, note, [side, y], scale);
    drawDots(shapes, sign, side, level % 2 === 0 ? y - HALF : y, note.id);
    drawLedgers(shapes, level, side, base, note.id);
  }
  const [low = 0, high = 0] = [levels[0], levels.at(-1)];
  drawStem(shapes, sign, at, base - low * HALF, base - high * HALF, isUp, scale);
  if (syllable !== "") {
    const of = notes[0]?.id ?? "";
    shapes.push({ kind: "text", at: [x, base + 34], text: syllable, size: 12, of });
  }
}

function drawHead(
  shapes: Shape[],
  heads: Heads,
  { value }: Sign,
  { id, accidental }: Note,
  [x, y]: readonly [number, number],
  scale: number,
): void {
  heads.set(id, [x, y]);
  const glyph = accidental === null ? undefined : ACCIDENTALS[accidental];
  if (glyph) shapes.push({ kind: "path", ...glyph, at: [x - 15 * scale, y], scale, of: id });
  shapes.push({ kind: "head", at: [x, y], isOpen: OPEN.has(value.dur), scale, of: id });
}

/** Dots stand in spaces. */
function drawDots(shapes: Shape[], { value, place }: Sign, x: number, y: number, of: string): void {
  for (let dot = 0; dot < (place.kind === "grace" ? 0 : value.dots); dot += 1) {
    shapes.push({ kind: "path", d: "M0 0L.1 0", width: 3.6, at: [x + 12 + 5 * dot, y], of });
  }
}

function drawLedgers(shapes: Shape[], level: number, x: number, base: number, of: string): void {
  const at = (step: number): void => {
    const y = base - step * HALF;
    shapes.push({ kind: "line", from: [x - 10, y], to: [x + 10, y], width: 1, of });
  };
  for (let step = -2; step >= level; step -= 2) at(step);
  for (let step = TOP_STEPS + 2; step <= level; step += 2) at(step);
}

function drawStem(
  shapes: Shape[],
  { value, notes }: Sign,
  x: number,
  low: number,
  high: number,
  isUp: boolean,
  scale: number,
): void {
  if (STEMLESS.has(value.dur)) return;
  const of = notes[0]?.id ?? "";
  const flags = FLAGS[value.dur] ?? 0;
  const length = (STEM + Math.max(0, flags - 2) * 8) * scale;
  const side = x + (isUp ? HEAD : -HEAD) * scale;
  const [from, to] = isUp ? [low, high - length] : [high, low + length];
  shapes.push({ kind: "line", from: [side, from], to: [side, to], width: 1.4, of });
  for (let flag = 0; flag < flags; flag += 1) {
    const y = to + (isUp ? 8 : -8) * flag * scale;
    shapes.push({ kind: "path", ...FLAG, at: [side, y], isFlipped: !isUp, scale, of });
  }
}

function drawRest(shapes: Shape[], sign: Sign, x: number, top: number, isWhole: boolean): void {
  const { place, value, voices } = sign;
  const glyph = RESTS[isWhole ? "1" : value.dur] ?? RESTS["64"];
  if (!glyph) return;
  const shift = voices === "upper" ? -SPACE : voices === "lower" ? SPACE : 0;
  const y = top + 2 * SPACE + shift;
  shapes.push({ kind: "path", ...glyph, at: [x, y], of: place.id });
  if (!isWhole) drawDots(shapes, sign, x, y - HALF, place.id);
}

/** Ties between heads of one system, and to its edge where the other head is on another one. */
export function drawTies(shapes: Shape[], ties: readonly Line[], heads: Heads): void {
  for (const { start, end } of ties) {
    const [from, to] = [heads.get(start), heads.get(end)];
    if (!from && !to) continue;
    const [x, y] = from ?? [(to?.[0] ?? 0) - 30, to?.[1] ?? 0];
    const width = Math.max(14, (to?.[0] ?? x + 30) - x) - 8;
    const d = `M0 0C${width * 0.25} 9 ${width * 0.75} 9 ${width} 0`;
    shapes.push({ kind: "path", d, width: 1.6, at: [x + 4, y + 7], of: start });
  }
}

function goesUp({ voices }: Sign, levels: readonly number[]): boolean {
  if (voices !== "alone") return voices === "upper";
  const [low = 0, high = 0] = [levels[0], levels.at(-1)];
  return low + high < 2 * MIDDLE_STEPS;
}

/** Notes a second apart stand on two sides of the stem: by how many heads each is shifted. */
function sidesOf(levels: readonly number[], isUp: boolean): readonly number[] {
  const sides = levels.map(() => 0);
  const order = isUp ? [...levels.keys()] : [...levels.keys()].reverse();
  for (const [at, number] of order.entries()) {
    const before = order[at - 1];
    if (before === undefined) continue;
    const isSecond = Math.abs((levels[number] ?? 0) - (levels[before] ?? 0)) <= 1;
    if (isSecond && sides[before] === 0) sides[number] = isUp ? 1 : -1;
  }
  return sides;
}
