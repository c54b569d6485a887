import {
  type Cell,
  compareTimes,
  type Facets,
  type MeasureView,
  toNumber,
  ZERO_TIME,
} from "bandpro-score";
import { MeasureAccidentals } from "./accidentals.ts";
import { beatLength } from "./beams.ts";
import { asText, entryOf } from "./entries.ts";
import { type MeasureMarks, measureMarks, type OpenLine } from "./marks.ts";
import type { Place } from "./places.ts";
import { keyElement, type MeasureSigns, timeElement, unitOf } from "./signs.ts";
import { firstVoice, type Staff } from "./staves.ts";
import { lettersUnder } from "./syllables.ts";
import { eventsOf, gapId, pitchAttributes, type Sources, writeVoice } from "./voice.ts";
import { measureWidth } from "./widths.ts";
import { type Attributes, element } from "./xml.ts";

/** One measure as the engraver takes it, and what is where in it. */
export interface WrittenMeasure {
  readonly id: string;
  readonly attributes: Attributes;
  /** Staves, and what stands at their notes; without lines that may leave the measure. */
  readonly content: string;
  /** New keys and metres, before it. */
  readonly change: string;
  readonly lines: readonly OpenLine[];
  readonly tstamps: MeasureMarks["tstamps"];
  /** Notes, chords and rests by their events, for lines that come from other measures. */
  readonly items: ReadonlyMap<string, WrittenItem>;
  /** The first and the last notes with words, by staff. */
  readonly sung: ReadonlyMap<number, Sung>;
  /** By part and staff, then voice by voice, each in the order of time. */
  readonly places: readonly Place[];
  /** About how wide it is, in units of the engraver. */
  readonly width: number;
}

export interface WrittenItem {
  /** Counts over all parts. */
  readonly staff: number;
  readonly markup: string;
}

/** What is sung on one staff. */
export interface Sung {
  readonly first: string;
  readonly last: string;
}

/** What a measure is written between. */
export interface MeasureContext {
  readonly staves: readonly Staff[];
  readonly signs: MeasureSigns;
  /** Clefs that the next measure begins with, by staff: they stand before its barline. */
  readonly warnings: ReadonlyMap<number, string>;
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

interface WrittenStaff {
  readonly content: string;
  readonly places: readonly Place[];
  readonly items: readonly (readonly [event: string, item: WrittenItem])[];
}

export function writeMeasure(
  measure: MeasureView,
  context: MeasureContext,
  sources: Sources,
): WrittenMeasure {
  const { facets, lines } = sources;
  const { signs, staves, isFirst, isLast } = context;
  const cells = new Map(measure.cells.map((cell) => [cell.part, cell]));
  const written = staves.map((staff) =>
    writeStaff(staff, measure, cells.get(staff.part), context, sources),
  );
  const marks = measureMarks(measure, { facets, lines, signs, staves });
  const content = written.map((staff, index) =>
    element("staff", { n: staves[index]?.number }, staff.content),
  );
  const places = written.flatMap((staff) => staff.places);
  const items = written.flatMap((staff) => staff.items);
  return {
    id: measure.id,
    attributes: measureAttributes(measure, signs, isLast, facets),
    content: content.join("") + marks.markup,
    change: isFirst ? "" : scoreChange(signs, staves),
    lines: marks.lines,
    tstamps: marks.tstamps,
    items: new Map(items),
    sung: sungIn(items, sources),
    places,
    width: measureWidth(
      places.map((place) => ({
        onset: toNumber(place.onset),
        letters: Math.max(0, ...place.events.map((id) => lettersUnder(id, sources.syllables))),
      })),
      toNumber(lengthOf(measure, cells.get(places[0]?.part ?? ""))),
      isFirst ? null : signs,
    ),
  };
}

function lengthOf(measure: MeasureView, cell: Cell | undefined) {
  return cell?.length ?? measure.length ?? { numerator: 4n, denominator: 1n };
}

function sungIn(items: WrittenStaff["items"], { syllables }: Sources): ReadonlyMap<number, Sung> {
  const sung = new Map<number, Sung>();
  for (const [event, { staff, markup }] of items) {
    if (syllables.has(event)) {
      sung.set(staff, { first: sung.get(staff)?.first ?? markup, last: markup });
    }
  }
  return sung;
}

/** New keys and metres, at the start of a measure. */
function scoreChange(signs: MeasureSigns, staves: readonly Staff[]): string {
  const changed = staves.flatMap((staff) => {
    const own = signs.staves.get(staff.number);
    const content =
      (own?.hasNewKey ? keyElement(own.signs.key) : "") +
      (own?.hasNewTime ? timeElement(own.signs.time) : "");
    return content === "" ? [] : [element("staffDef", { n: staff.number }, content)];
  });
  return changed.length === 0
    ? ""
    : element("scoreDef", {}, element("staffGrp", {}, changed.join("")));
}

function measureAttributes(
  measure: MeasureView,
  { left, right }: MeasureSigns,
  isLast: boolean,
  facets: Facets,
): Attributes {
  const value = entryOf(facets, "measures", measure.id);
  const isImplicit = value["implicit"] === true;
  return {
    "xml:id": measure.id,
    n: isImplicit ? null : asText(value["number"]) || null,
    metcon: isImplicit ? "false" : null,
    left: left["repeat"] === "forward" ? "rptstart" : null,
    right: rightBar(asText(right["repeat"]), asText(right["style"]), isLast),
  };
}

function rightBar(repeat: string, style: string, isLast: boolean): string | null {
  if (repeat === "backward") {
    return "rptend";
  }
  if (style === "light-heavy") {
    return "end";
  }
  if (style === "light-light") {
    return "dbl";
  }
  return style === "none" ? "invis" : isLast && style === "" ? "single" : null;
}

function writeStaff(
  staff: Staff,
  measure: MeasureView,
  cell: Cell | undefined,
  { signs, staves, warnings }: MeasureContext,
  sources: Sources,
): WrittenStaff {
  const own = signs.staves.get(staff.number);
  const warning = own?.clefs.length ? "" : (warnings.get(staff.number) ?? "");
  const staffNumbers = staves.filter((each) => each.part === staff.part).map((s) => s.number);
  // A part may have fewer staves than somebody wrote for.
  const voices = (cell?.voices ?? []).filter(
    (voice) => Math.min(homeOf(voice.items), staffNumbers.length) === staff.within,
  );
  const place = { part: staff.part, measure: measure.id, staff: staff.within };
  if (voices.length === 0) {
    const id = gapId(place, 1, ZERO_TIME);
    const rest = element("mRest", { "xml:id": id });
    const gap: Place = {
      ...place,
      id,
      kind: "gap",
      voice: firstVoice(staff.within),
      onset: ZERO_TIME,
      duration: lengthOf(measure, cell),
      events: [],
    };
    const content = element("layer", { n: 1 }, rest + warning);
    return { content, places: [gap], items: [] };
  }
  const time = own?.signs.time ?? null;
  const pitches = pitchesOf(cell, own?.signs.key ?? {}, sources);
  const places: Place[] = [];
  const items: [string, WrittenItem][] = [];
  const layers = voices.map((voice, index) => {
    const written = writeVoice(
      voice,
      {
        ...place,
        staffNumbers,
        showsGaps: index === 0,
        beat: beatLength(time?.["beats"], unitOf(time)),
        clefs: index === 0 ? (own?.clefs ?? []) : [],
        pitches,
      },
      sources,
    );
    places.push(...written.places);
    for (const [event, markup] of written.items) {
      items.push([event, { staff: staff.number, markup }]);
    }
    const content = written.content + (index === 0 ? warning : "");
    return element("layer", { n: index + 1 }, content);
  });
  return { content: layers.join(""), places: inOrder(places), items };
}

/** The staff of a voice is that of its first note or rest. */
function homeOf(items: Cell["voices"][number]["items"]): number {
  return (items.find((item) => item.kind !== "gap") ?? items[0])?.staff ?? 1;
}

/** The signs of all notes that are drawn on one staff, in the order of time over its voices. */
function pitchesOf(
  cell: Cell | undefined,
  key: Readonly<Record<string, unknown>>,
  { facets, lines }: Sources,
): ReadonlyMap<string, Attributes> {
  const accidentals = new Map<number, MeasureAccidentals>();
  const notes = (cell?.voices ?? [])
    .flatMap((voice) => voice.items)
    .filter((item) => item.kind === "chord" || item.kind === "grace")
    .sort((a, b) => compareTimes(a.onset, b.onset) || rank(a.kind) - rank(b.kind));
  const found = new Map<string, Attributes>();
  for (const item of notes) {
    const seen = accidentals.get(item.staff) ?? new MeasureAccidentals(key);
    accidentals.set(item.staff, seen);
    for (const id of eventsOf(item)) {
      found.set(id, pitchAttributes(id, facets, seen, lines.tied.has(id)));
    }
  }
  return found;
}

function rank(kind: string): number {
  return kind === "grace" ? 0 : 1;
}

function inOrder(places: readonly Place[]): Place[] {
  return [...places].sort(
    (a, b) =>
      a.voice - b.voice ||
      compareTimes(a.onset, b.onset) ||
      Number(b.kind === "grace") - Number(a.kind === "grace"),
  );
}
