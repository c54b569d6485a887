import { signatureAlter } from "bandpro-score";
import { asNumber, asText, type Entry } from "./entries.ts";
import { fifthsOf } from "./signs.ts";
import type { Attributes } from "./xml.ts";

const WRITTEN: ReadonlyMap<string, string> = new Map([
  ["sharp", "s"],
  ["flat", "f"],
  ["natural", "n"],
  ["double-sharp", "x"],
  ["sharp-sharp", "ss"],
  ["flat-flat", "ff"],
  ["double-flat", "ff"],
  ["natural-sharp", "ns"],
  ["natural-flat", "nf"],
  ["quarter-sharp", "1qs"],
  ["quarter-flat", "1qf"],
  ["three-quarters-sharp", "3qs"],
  ["three-quarters-flat", "3qf"],
]);
const BY_ALTER: ReadonlyMap<number, string> = new Map([
  [-2, "ff"],
  [-1, "f"],
  [0, "n"],
  [1, "s"],
  [2, "x"],
]);

/** By how many semitones a key alters a step. */
export function keyAlter(step: string, key: Entry): number {
  const { steps, alters } = key;
  if (Array.isArray(steps) && Array.isArray(alters)) {
    const at = steps.indexOf(step);
    return at < 0 ? 0 : asNumber(alters[at], 0);
  }
  return signatureAlter(step, fifthsOf(key));
}

/**
 * Which signs the notes of one staff need within one measure: those that the document prints, and
 * those without which somebody would read another pitch. Notes must come in the order of time.
 */
export class MeasureAccidentals {
  readonly #key: Entry;
  readonly #altered = new Map<string, number>();

  constructor(key: Entry) {
    this.#key = key;
  }

  /** The attributes of a note's pitch; `isTied` when a tie from before leads to it. */
  of(pitch: Entry, isTied: boolean): Attributes {
    const step = asText(pitch["step"]);
    const alter = asNumber(pitch["alter"], 0);
    const place = `${step}${asNumber(pitch["octave"], 0)}`;
    const expected = this.#altered.get(place) ?? keyAlter(step, this.#key);
    const printed = WRITTEN.get(asText(pitch["accidental"]));
    if (printed !== undefined) {
      this.#altered.set(place, alter);
      return { accid: printed };
    }
    if (alter !== expected && !isTied) {
      this.#altered.set(place, alter);
      return { accid: BY_ALTER.get(alter) };
    }
    return { "accid.ges": alter === 0 ? null : BY_ALTER.get(alter) };
  }
}
