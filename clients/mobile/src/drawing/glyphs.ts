/** A sign as a path around its place; `width` null for one that is filled. */
export interface Glyph {
  readonly d: string;
  readonly width: number | null;
}

/** Around the line that a clef names. */
export const CLEFS: Readonly<Record<string, Glyph>> = {
  G: {
    d:
      "M1 5C-7 4-7-8 2-8C12-8 12 9 1 10C-13 11-14-9-4-18C5-26 8-31 6-41C3-47-2-38-1-27L5 21" +
      "C6 29-4 30-5 22",
    width: 2,
  },
  F: {
    d: "M-7 0A3 3 0 1 0-1 0A3 3 0 1 0-7 0C-7-12 9-12 9 2C9 12 0 19-9 22M14-5L14.1-5M14 5L14.1 5",
    width: 2.8,
  },
  C: {
    d: "M-9-20L-9 20M-5-20L-5 20M-5 0L0-3C0-9 2-4 6-5C12-8 10-21 1-18M-5 0L0 3C0 9 2 4 6 5C12 8 10 21 1 18",
    width: 2.2,
  },
  percussion: { d: "M-3-10L-3 10M3-10L3 10", width: 4 },
};

const FLAT = "M-3-17L-3 6C3 3 6-1 5-4C4-7-1-6-3-1";
/** By their names in MEI. */
export const ACCIDENTALS: Readonly<Record<string, Glyph>> = {
  s: { d: "M-2.5-13L-2.5 14M2.5-14L2.5 13M-5.5-3L5.5-6.5M-5.5 6.5L5.5 3", width: 1.7 },
  f: { d: FLAT, width: 1.7 },
  n: { d: "M-3-15L-3 6L3 4M3 15L3-6L-3-4", width: 1.7 },
  x: { d: "M-4.5-4.5L4.5 4.5M-4.5 4.5L4.5-4.5", width: 2.6 },
  ff: { d: `${FLAT}M-11-17L-11 6C-5 3-2-1-3-4C-4-7-9-6-11-1`, width: 1.7 },
};

const QUARTER = "M-3-14L4-5C-1 0 0 1 5 6C-3 3-5 8 0 14";
const tails = (count: number): string =>
  Array.from({ length: count }, (_, number) => {
    const [x, y] = [-3 - 1.6 * number, -6 + 9 * number];
    return `M${x} ${y}A1.5 1.5 0 1 1 ${x - 0.1} ${y}C${x + 4} ${y + 3} ${x + 7} ${y} ${x + 8} ${y - 3}`;
  }).join("");
const shortRest = (count: number): Glyph => ({
  d: `${tails(count)}M5-9L${1 - 2 * count} ${5 + 8 * count}`,
  width: 2,
});
const WHOLE: Glyph = { d: "M-6.5-10H6.5V-4.5H-6.5Z", width: null };

/** Rests around the middle line, by note value. */
export const RESTS: Readonly<Record<string, Glyph>> = {
  long: { d: "M-3-10H3V10H-3Z", width: null },
  breve: { d: "M-3-10H3V0H-3Z", width: null },
  "1": WHOLE,
  "2": { d: "M-6.5-5.5H6.5V0H-6.5Z", width: null },
  "4": { d: QUARTER, width: 2.4 },
  "8": shortRest(1),
  "16": shortRest(2),
  "32": shortRest(3),
  "64": shortRest(4),
};

/** A flag at the end of a stem that goes up. */
export const FLAG: Glyph = { d: "M0 0C1 8 11 11 7 25C8 15 3 12 0 11Z", width: null };

/** How many flags a note value has. */
export const FLAGS: Readonly<Record<string, number>> = {
  "8": 1,
  "16": 2,
  "32": 3,
  "64": 4,
  "128": 5,
  "256": 6,
};

const SHARPS = ["F5", "C5", "G5", "D5", "A4", "E5", "B4"];
const FLATS = ["B4", "E5", "A4", "D5", "G4", "C5", "F4"];

/** Where the signs of a key stand in a treble staff, as pitches. */
export function keyPitches(fifths: number): readonly string[] {
  return fifths > 0 ? SHARPS.slice(0, fifths) : FLATS.slice(0, -fifths);
}
