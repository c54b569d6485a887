import {
  addTimes,
  type Facets,
  type Item,
  type MeasureView,
  type Rational,
  readTime,
  toNumber,
} from "bandpro-score";
import { asNumber, asText, type Entry, entryOf } from "./entries.ts";
import { type HairpinEnd, hairpinOf } from "./hairpins.ts";
import type { Curve, Lines } from "./lines.ts";
import { type MeasureSigns, unitOf } from "./signs.ts";
import type { Staff } from "./staves.ts";
import { eventsOf } from "./voice.ts";
import { type Attributes, element, escaped } from "./xml.ts";

interface Spot {
  readonly staff: number;
  readonly tstamp: string;
}

/**
 * A line that may leave the measure in which it begins. It is data, not a function: measures are
 * kept as long as they stay the same, and a closure would keep the view of the score of its time.
 */
export interface OpenLine {
  /** Ids of the notes, or of the directions, at its ends. */
  readonly start: string;
  readonly end: string;
  /** The measures of its ends. */
  readonly from: string;
  readonly to: string;
  readonly name: "tie" | "slur" | "hairpin";
  readonly attributes: Attributes;
}

/**
 * A line for the engraver.
 *
 * @param measures how many barlines lie between its ends, of those that are drawn.
 * @param tstamp where in its measure the end is, for lines between directions.
 */
export function lineMarkup(
  { name, attributes }: OpenLine,
  measures: number,
  tstamp: string,
): string {
  const end = name === "hairpin" ? { tstamp2: `${measures}m+${tstamp}` } : {};
  return element(name, { ...attributes, ...end });
}

/** What stands at the notes and over the staves of one measure. */
export interface MeasureMarks {
  readonly markup: string;
  readonly lines: readonly OpenLine[];
  /** Beats at which directions are, or notes end, by id: hairpins end there. */
  readonly tstamps: ReadonlyMap<string, string>;
}

const QUARTERS_IN_WHOLE = 4;
/** Of the engraver's text, what stands for a half note. */
const HOLLOW = "𝅗𝅥";
/** Signs that fonts for text have; a half note is a quarter that the page leaves hollow. */
const TEMPO_UNITS: ReadonlyMap<string, string> = new Map([
  ["1/2", "♪"],
  ["3/4", "♪."],
  ["1/1", "♩"],
  ["3/2", "♩."],
  ["2/1", HOLLOW],
  ["3/1", `${HOLLOW}.`],
]);

/** What marks are read from, and where they stand. */
interface Page {
  readonly facets: Facets;
  readonly lines: Lines;
  readonly signs: MeasureSigns;
  readonly staves: readonly Staff[];
}

/** Lines, dynamics, words, tempi and fermatas that begin in a measure. */
export function measureMarks(measure: MeasureView, page: Page): MeasureMarks {
  const { facets, lines, signs } = page;
  const marks: string[] = [];
  const open: OpenLine[] = [];
  const tstamps = new Map<string, string>();
  for (const cell of measure.cells) {
    for (const item of cell.voices.flatMap((voice) => voice.items)) {
      marks.push(...fermata(item, facets));
      for (const id of item.kind === "space" ? [] : eventsOf(item)) {
        if (lines.ends.has(id)) {
          open.push(...hairpinsAt(id, measure, page));
          const spot = spotAt({ part: cell.part, staff: item.staff, onset: endOf(item) }, page);
          if (spot !== null) tstamps.set(id, spot.tstamp);
        }
        for (const curve of lines.curves.get(id) ?? []) {
          const to = asText(entryOf(facets, "ev", curve.end)["measure"]);
          const { start, end, kind: name } = curve;
          const attributes = curveAttributes(curve);
          if (to === measure.id) {
            marks.push(element(name, attributes));
          } else {
            open.push({ start, end, from: measure.id, to, name, attributes });
          }
        }
      }
    }
    for (const id of cell.directions) {
      const spot = spotOf(id, cell.part, page);
      if (spot === null) {
        continue;
      }
      tstamps.set(id, spot.tstamp);
      open.push(...hairpinsAt(id, measure, page));
      if (!lines.ends.has(id)) {
        marks.push(directionElement(id, entryOf(facets, "dir", id), spot));
      }
    }
  }
  const unit = unitOf(signs.staves.get(1)?.signs.time ?? null);
  for (const { at, tempo } of signs.tempi) {
    marks.push(tempoElement(tempo, measure.id, tstampOf(at, unit)));
  }
  return { markup: marks.join(""), lines: open, tstamps };
}

/** A chord has one, whichever of its notes says so. */
function fermata(item: Item, facets: Facets): readonly string[] {
  for (const id of item.kind === "space" ? [] : eventsOf(item)) {
    const sign = asText(entryOf(facets, "nx", id)["fermata"]);
    if (sign !== "") {
      const form = sign === "inverted" ? "inv" : "norm";
      return [element("fermata", { startid: `#${id}`, form, place: placeOf(form) })];
    }
  }
  return [];
}

function spotOf(id: string, part: string, page: Page): Spot | null {
  const value = entryOf(page.facets, "dir", id);
  const onset = readTime(value["onset"]);
  return onset && spotAt({ part, staff: asNumber(value["staff"], 1), onset }, page);
}

function spotAt(
  { part, staff: within, onset }: Pick<HairpinEnd, "part" | "staff" | "onset">,
  { staves, signs }: Page,
): Spot | null {
  const own = staves.filter((staff) => staff.part === part);
  const staff = own.find((each) => each.within === within) ?? own[0];
  if (!staff) {
    return null;
  }
  const time = signs.staves.get(staff.number)?.signs.time ?? null;
  return { staff: staff.number, tstamp: tstampOf(onset, unitOf(time)) };
}

/** Beats of the metre, from 1. */
function tstampOf(onset: Rational, unit: number): string {
  const beats = (toNumber(onset) * unit) / QUARTERS_IN_WHOLE + 1;
  return String(Number(beats.toFixed(5)));
}

function placeOf(form: string): string {
  return form === "inv" ? "below" : "above";
}

function curveAttributes({ id, start, end, value }: Curve): Attributes {
  const placement = asText(value["placement"]);
  return {
    "xml:id": id,
    startid: `#${start}`,
    endid: `#${end}`,
    curvedir: placement === "above" || placement === "below" ? placement : null,
  };
}

/** The hairpins that begin at a note or a direction of a measure. */
function hairpinsAt(begin: string, { id: from }: MeasureView, page: Page): readonly OpenLine[] {
  return (page.lines.wedges.get(begin) ?? []).flatMap(({ id, start, end, value }): OpenLine[] => {
    const hairpin = hairpinOf(page.facets, value);
    const spot = hairpin && spotAt(hairpin.from, page);
    if (!spot) {
      return [];
    }
    const attributes = {
      "xml:id": id,
      form: hairpin.kind === "diminuendo" ? "dim" : "cres",
      staff: spot.staff,
      tstamp: spot.tstamp,
      place: hairpin.placement,
    };
    return [{ start, end, from, to: hairpin.until.measure, name: "hairpin", attributes }];
  });
}

function endOf(item: Item): Rational {
  return "duration" in item ? addTimes(item.onset, item.duration) : item.onset;
}

function directionElement(id: string, value: Entry, { staff, tstamp }: Spot): string {
  const placement = asText(value["placement"]);
  const at: Attributes = {
    "xml:id": id,
    staff,
    tstamp,
    place: placement === "above" || placement === "below" ? placement : null,
  };
  const text = escaped(asText(value["text"]));
  switch (value["kind"]) {
    case "dynamics":
      return element("dynam", { ...at, place: at["place"] ?? "below" }, text);
    case "words":
      return element("dir", at, text);
    case "rehearsal":
      return element("reh", at, text);
    case "harmony":
      return element("harm", { ...at, place: at["place"] ?? "above" }, text);
    default:
      return "";
  }
}

function tempoElement(tempo: Entry, measure: string, tstamp: string): string {
  const words = asText(tempo["text"]);
  const count = tempoCount(tempo);
  const text = escaped(words === "" ? count : `${words} (${count})`);
  const hollow = element("rend", { "xml:id": `hollow-${measure}-${tstamp}` }, "♩");
  const drawn = text.replace(HOLLOW, hollow);
  return element("tempo", { staff: 1, tstamp, place: "above" }, drawn);
}

/** A tempo as a metronome has it; of a unit without a sign of its own, in quarters. */
function tempoCount(tempo: Entry): string {
  const unit = Array.isArray(tempo["unit"]) ? tempo["unit"] : [1, 1];
  const bpm = asNumber(tempo["bpm"], 60);
  const sign = TEMPO_UNITS.get(unit.join("/"));
  const quarters = (bpm * asNumber(unit[0], 1)) / asNumber(unit[1], 1);
  return sign === undefined ? `♩ = ${Number(quarters.toFixed(2))}` : `${sign} = ${bpm}`;
}
