import {
  compareTimes,
  type Facets,
  type MeasureView,
  type Rational,
  rational,
  ZERO_TIME,
} from "bandpro-score";
import { asNumber, asText, type Entry, entryOf } from "./entries.ts";
import type { Staff } from "./staves.ts";
import { element } from "./xml.ts";

/** What holds on a staff: entries of `attr`. */
export interface Signs {
  readonly clef: Entry;
  readonly key: Entry;
  readonly time: Entry | null;
}

/** A clef within a measure. */
export interface ClefChange {
  readonly at: Rational;
  readonly clef: Entry;
}

/** What begins in a measure on one staff. */
export interface StaffSigns {
  /** What holds once the measure has begun. */
  readonly signs: Signs;
  readonly hasNewKey: boolean;
  readonly hasNewTime: boolean;
  readonly hasNewClef: boolean;
  readonly clefs: readonly ClefChange[];
}

/** What begins in a measure: by number of the staff; and its barlines. */
export interface MeasureSigns {
  readonly staves: ReadonlyMap<number, StaffSigns>;
  readonly left: Entry;
  readonly right: Entry;
  readonly tempi: readonly { readonly at: Rational; readonly tempo: Entry }[];
}

const USUAL: Signs = { clef: { sign: "G", line: 2 }, key: { fifths: 0 }, time: null };
const ONSET = /^([0-9]{1,16})\/([1-9][0-9]{0,15})$/;
const CLEF_LINES: ReadonlyMap<string, number> = new Map([
  ["G", 2],
  ["F", 4],
  ["C", 3],
]);
const FIFTHS_MAX = 7;
const NOTHING: Entry = {};

/** Walks through the measures and knows which clef, key and metre hold on each staff. */
export class SignWalk {
  readonly #facets: Facets;
  readonly #staves: readonly Staff[];
  readonly #held = new Map<number, Signs>();
  readonly #later = new Map<number, Partial<Signs>>();
  /** What is given for measures in which nothing begins; null while something waits. */
  #quiet: MeasureSigns | null = null;

  constructor(facets: Facets, staves: readonly Staff[]) {
    this.#facets = facets;
    this.#staves = staves;
  }

  /** Goes on to the next measure. */
  enter(measure: MeasureView): MeasureSigns {
    if (measure.settings.length === 0 && this.#quiet !== null) {
      return this.#quiet;
    }
    const signs = this.#enter(measure);
    const waits = [...this.#later.values()].some((later) => Object.keys(later).length > 0);
    const begins = [...signs.staves.values()].some(
      (staff) => staff.hasNewKey || staff.hasNewTime || staff.hasNewClef,
    );
    this.#quiet = measure.settings.length > 0 || waits || begins ? null : signs;
    return signs;
  }

  #enter(measure: MeasureView): MeasureSigns {
    const places = measure.settings.map((key) => signPlace(this.#facets, key, measure.id));
    const barline = (edge: string) =>
      places.find((place) => place.kind === "barline" && place.at === edge)?.value ?? NOTHING;
    const staves = new Map(
      this.#staves.map((staff) => [staff.number, this.#enterStaff(staff, places)] as const),
    );
    const tempi = places
      .filter((place) => place.kind === "tempo")
      .map(({ at, value }) => ({ at: onsetOf(at), tempo: value }));
    return { staves, left: barline("left"), right: barline("right"), tempi };
  }

  #enterStaff(staff: Staff, places: readonly SignPlace[]): StaffSigns {
    const former = this.#held.get(staff.number) ?? USUAL;
    const now: Mutable<Signs> = { ...former, ...this.#later.get(staff.number) };
    const later: Partial<Mutable<Signs>> = {};
    const clefs: ClefChange[] = [];
    for (const { kind, scope, at, value } of places) {
      if (!covers(scope, staff) || (kind !== "clef" && kind !== "key" && kind !== "time")) {
        continue;
      }
      const onset = onsetOf(at);
      if (onset.numerator === 0n) {
        now[kind] = value;
      } else {
        later[kind] = value;
        if (kind === "clef") {
          clefs.push({ at: onset, clef: value });
        }
      }
    }
    this.#held.set(staff.number, now);
    this.#later.set(staff.number, later);
    return {
      signs: now,
      hasNewKey: !isSame(now.key, former.key),
      hasNewTime: !isSame(now.time, former.time),
      // One that changed within the measure before was drawn there.
      hasNewClef: !isSame(now.clef, former.clef),
      clefs,
    };
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface SignPlace {
  readonly kind: string;
  readonly scope: string;
  readonly at: string;
  readonly value: Entry;
}

/** What an entry of `attr` says where it takes effect: in a measure. */
export function signPlace(facets: Facets, key: string, measure: string): SignPlace {
  const [kind = "", owner, scope = "", at = ""] = key.split("|");
  // What a deleted measure says holds from the start of the next one.
  const from = owner === measure ? at : "0/1";
  return { kind, scope, at: from, value: entryOf(facets, "attr", key) };
}

/** Whether what is said of a scope holds on a staff. */
export function covers(scope: string, staff: Pick<Staff, "part" | "within">): boolean {
  return scope === "*" || scope === staff.part || scope === `${staff.part}/${staff.within}`;
}

export function onsetOf(at: string): Rational {
  const found = ONSET.exec(at);
  return found ? rational(BigInt(found[1] ?? 0), BigInt(found[2] ?? 1)) : ZERO_TIME;
}

/** Whether the same begins and holds in a measure; values are the same while they are one object. */
export function isSameSigns(a: MeasureSigns, b: MeasureSigns): boolean {
  return (
    a === b ||
    (a.staves.size === b.staves.size &&
      [...a.staves].every(([number, staff]) => isSameStaff(staff, b.staves.get(number))) &&
      isSame(a.left, b.left) &&
      isSame(a.right, b.right) &&
      isSameList(a.tempi, b.tempi, (one, other) => one.tempo === other.tempo))
  );
}

function isSameStaff(a: StaffSigns, b: StaffSigns | undefined): boolean {
  return (
    b !== undefined &&
    a.signs.clef === b.signs.clef &&
    a.signs.key === b.signs.key &&
    a.signs.time === b.signs.time &&
    a.hasNewKey === b.hasNewKey &&
    a.hasNewTime === b.hasNewTime &&
    a.hasNewClef === b.hasNewClef &&
    isSameList(a.clefs, b.clefs, (one, other) => one.clef === other.clef)
  );
}

/** Whether there is the same at the same onsets. */
function isSameList<T extends { readonly at: Rational }>(
  a: readonly T[],
  b: readonly T[],
  isEqual: (one: T, other: T) => boolean,
): boolean {
  return (
    a.length === b.length &&
    a.every((one, index) => {
      const other = b[index];
      return other !== undefined && compareTimes(one.at, other.at) === 0 && isEqual(one, other);
    })
  );
}

function isSame(a: Entry | null, b: Entry | null): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

export function clefElement(clef: Entry): string {
  const sign = asText(clef["sign"]);
  if (sign === "percussion") {
    return element("clef", { shape: "perc" });
  }
  const shape = CLEF_LINES.has(sign) ? sign : sign === "TAB" ? "TAB" : "G";
  const octave = asNumber(clef["octave"], 0);
  return element("clef", {
    shape,
    line: asNumber(clef["line"], CLEF_LINES.get(shape) ?? 5),
    dis: octave === 0 ? null : Math.abs(octave) === 1 ? 8 : 15,
    "dis.place": octave === 0 ? null : octave < 0 ? "below" : "above",
  });
}

export function keyElement(key: Entry): string {
  const fifths = fifthsOf(key);
  return element("keySig", {
    sig: fifths === 0 ? "0" : `${Math.abs(fifths)}${fifths < 0 ? "f" : "s"}`,
  });
}

/** A metre; nothing for music without one. */
export function timeElement(time: Entry | null): string {
  const beats = time?.["beats"];
  if (!time || !Array.isArray(beats) || beats.length === 0) {
    return "";
  }
  const symbol = time["symbol"];
  const sym = symbol === "common" || symbol === "cut" ? symbol : null;
  return element("meterSig", { count: beats.join("+"), unit: unitOf(time), sym });
}

export function fifthsOf(key: Entry): number {
  const fifths = Math.trunc(asNumber(key["fifths"], 0));
  return Math.max(-FIFTHS_MAX, Math.min(FIFTHS_MAX, fifths));
}

/** The note value of a beat as metres write it: 4 is a quarter. */
export function unitOf(time: Entry | null): number {
  return asNumber(time?.["unit"], 4);
}
