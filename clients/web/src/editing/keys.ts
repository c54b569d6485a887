import type { HairpinKind } from "../engraving/hairpins.ts";
import { VOICES_OF_STAFF } from "../engraving/staves.ts";
import type { NextValue } from "./actions.ts";
import type { Mark } from "./articulations.ts";
import type { Side } from "./measures.ts";
import type { Edge } from "./repeats.ts";

/** What a key of the keyboard, or a button of the palette, asks for. */
export type Command =
  | { readonly do: "step"; readonly step: string; readonly isChord: boolean }
  | { readonly do: "value"; readonly quarters: number }
  | { readonly do: "move"; readonly by: number }
  | { readonly do: "alter"; readonly by: number | null }
  | { readonly do: "go"; readonly by: 1 | -1; readonly extends: boolean }
  | { readonly do: "goAcross"; readonly by: 1 | -1; readonly extends: boolean }
  | { readonly do: "voice"; readonly ordinal: number }
  | { readonly do: "interval"; readonly steps: number }
  | { readonly do: "repeat"; readonly edge: Edge }
  | { readonly do: "ending"; readonly number: number }
  | { readonly do: "mark"; readonly mark: Mark }
  | { readonly do: "hairpin"; readonly kind: HairpinKind }
  | { readonly do: "insertMeasure"; readonly side: Side }
  | {
      readonly do:
        | "dot"
        | "grace"
        | "rest"
        | "tie"
        | "slur"
        | "tuplet"
        | "delete"
        | "deleteMeasures"
        | "all"
        | "copy"
        | "cut"
        | "paste"
        | "undo"
        | "redo"
        | "lyrics"
        | "pen"
        | "play"
        | "loop"
        | "clear";
    };

/** A key of the keyboard, with those that are held with it. */
export interface Key {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const VALUES: Readonly<Record<string, number>> = {
  "1": 1 / 16,
  "2": 1 / 8,
  "3": 1 / 4,
  "4": 1 / 2,
  "5": 1,
  "6": 2,
  "7": 4,
};
const PLAIN: Readonly<Record<string, Command>> = {
  ".": { do: "dot" },
  "0": { do: "rest" },
  "/": { do: "grace" },
  t: { do: "tie" },
  s: { do: "slur" },
  l: { do: "lyrics" },
  n: { do: "pen" },
  Backspace: { do: "delete" },
  Delete: { do: "delete" },
  Escape: { do: "clear" },
  " ": { do: "play" },
  "+": { do: "alter", by: 1 },
  "-": { do: "alter", by: -1 },
  "=": { do: "alter", by: null },
  "<": { do: "hairpin", kind: "crescendo" },
  ">": { do: "hairpin", kind: "diminuendo" },
};
/** As MuseScore has them, where it has any: but with V the accent would be an ending here. */
const WITH_SHIFT: Readonly<Record<string, Command>> = {
  s: { do: "mark", mark: "staccato" },
  i: { do: "mark", mark: "staccatissimo" },
  n: { do: "mark", mark: "tenuto" },
  x: { do: "mark", mark: "accent" },
  o: { do: "mark", mark: "strong-accent" },
  h: { do: "mark", mark: "fermata" },
};
const WITH_CONTROL: Readonly<Record<string, Command>> = {
  "3": { do: "tuplet" },
  a: { do: "all" },
  c: { do: "copy" },
  v: { do: "paste" },
  x: { do: "cut" },
  y: { do: "redo" },
};
const STEPS_IN_OCTAVE = 7;

/** What a key asks for; null leaves it to the browser. */
export function commandOf(key: Key): Command | null {
  const isControl = key.ctrlKey || key.metaKey;
  const letter = key.key.length === 1 ? key.key.toLowerCase() : key.key;
  if (key.key === "ArrowUp" || key.key === "ArrowDown") {
    const by = key.key === "ArrowUp" ? 1 : -1;
    return key.altKey
      ? { do: "goAcross", by: by === 1 ? -1 : 1, extends: key.shiftKey }
      : { do: "move", by: isControl ? by * STEPS_IN_OCTAVE : by };
  }
  if ((key.key === "ArrowLeft" || key.key === "ArrowRight") && !isControl && !key.altKey) {
    return { do: "go", by: key.key === "ArrowRight" ? 1 : -1, extends: key.shiftKey };
  }
  // With these keys, digits are known by where they are: they may stand for other characters.
  const digit = Number(/^Digit(\d)$/.exec(key.code)?.[1] ?? 0);
  if (key.altKey && digit > 0) {
    return digitWithAlt(digit, isControl, key.shiftKey);
  }
  // With Ctrl and Shift this key is the clipboard's, as it always was.
  if (key.key === "Insert" && !isControl && !key.shiftKey) {
    return { do: "insertMeasure", side: key.altKey ? "behind" : "before" };
  }
  if (isControl && !key.altKey && /^(Backspace|Delete)$/.test(key.key)) {
    return { do: "deleteMeasures" };
  }
  if (isControl && !key.altKey) {
    if (letter === "z") {
      return { do: key.shiftKey ? "redo" : "undo" };
    }
    return WITH_CONTROL[letter] ?? null;
  }
  if (isControl || key.altKey) {
    return null;
  }
  if (/^[a-g]$/.test(letter)) {
    return { do: "step", step: letter.toUpperCase(), isChord: key.shiftKey };
  }
  if (letter === "r") {
    return { do: "repeat", edge: key.shiftKey ? "right" : "left" };
  }
  if (letter === "v") {
    return { do: "ending", number: key.shiftKey ? 2 : 1 };
  }
  const shifted = key.shiftKey ? WITH_SHIFT[letter] : undefined;
  if (shifted) {
    return shifted;
  }
  const quarters = VALUES[key.key];
  return quarters === undefined ? (PLAIN[letter] ?? null) : { do: "value", quarters };
}

function digitWithAlt(digit: number, isControl: boolean, isShift: boolean): Command | null {
  if (isControl) {
    return digit <= VOICES_OF_STAFF ? { do: "voice", ordinal: digit } : null;
  }
  return digit > 1 ? { do: "interval", steps: isShift ? 1 - digit : digit - 1 } : null;
}

export const FIRST_VALUE: NextValue = { quarters: 1, dots: 0 };
