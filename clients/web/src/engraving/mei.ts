import {
  type Cell,
  compareTimes,
  type Facets,
  type MeasureView,
  type View,
  ZERO_TIME,
} from "bandpro-score";
import { MeasureAccidentals } from "./accidentals.ts";
import { beatLength } from "./beams.ts";
import { asText, entryOf, valueIn } from "./entries.ts";
import { linesOf } from "./lines.ts";
import { measureMarks } from "./marks.ts";
import type { Engraving, Place } from "./places.ts";
import {
  clefElement,
  keyElement,
  type MeasureSigns,
  SignWalk,
  timeElement,
  unitOf,
} from "./signs.ts";
import { firstVoice, type PartStaves, partStaves, type Staff } from "./staves.ts";
import { syllablesOf } from "./syllables.ts";
import { eventsOf, gapId, pitchAttributes, type Sources, writeVoice } from "./voice.ts";
import { type Attributes, element, escaped } from "./xml.ts";

const NAMESPACE = "http://www.music-encoding.org/ns/mei";

/**
 * Writes what is shown of a score as MEI, for the engraver. Elements have the ids that they have in
 * the document. Nothing throws, whatever the document says; without parts or measures there is
 * nothing to draw, and the text is empty.
 */
export function engraving(view: View, facets: Facets): Engraving {
  const parts = partStaves(view, facets);
  const staves = parts.flatMap((part) => part.staves);
  if (staves.length === 0 || view.measures.length === 0) {
    return { mei: "", places: [] };
  }
  const sources: Sources = {
    facets,
    lines: linesOf(view, facets),
    syllables: syllablesOf(facets),
  };
  const walk = new SignWalk(facets, staves);
  const signs = view.measures.map((measure) => walk.enter(measure));
  const places: Place[] = [];
  const marks = measureMarks(view, facets, sources.lines, signs, staves);
  const measures = view.measures.map((measure, index) => {
    const here = signs[index];
    if (here === undefined) {
      return "";
    }
    const next = signs[index + 1];
    const written = staves.map((staff) => {
      const cell = measure.cells.find((each) => each.part === staff.part);
      const layers = writeStaff(staff, measure, index, cell, here, next, staves, sources);
      places.push(...layers.places);
      return element("staff", { n: staff.number }, layers.content);
    });
    const isLast = index === view.measures.length - 1;
    const content = written.join("") + (marks[index] ?? "");
    const change = index === 0 ? "" : scoreChange(here, staves) + breakBefore(measure.id, facets);
    return change + element("measure", measureAttributes(measure, here, isLast, facets), content);
  });
  const body = scoreDefinition(parts, signs[0]) + element("section", {}, measures.join(""));
  const mei = element(
    "mei",
    { xmlns: NAMESPACE, meiversion: "5.1" },
    header(facets) +
      element("music", {}, element("body", {}, element("mdiv", {}, element("score", {}, body)))),
  );
  return { mei, places: inOrder(places, parts) };
}

function header(facets: Facets): string {
  const title = escaped(asText(valueIn(facets, "meta", "title")));
  const statement = element("titleStmt", {}, element("title", {}, title));
  return element("meiHead", {}, element("fileDesc", {}, statement + element("pubStmt", {})));
}

function scoreDefinition(parts: readonly PartStaves[], signs: MeasureSigns | undefined): string {
  const groups = parts.map((part) => {
    const label = element("label", {}, escaped(part.name));
    const short = part.abbreviation === "" ? part.name.slice(0, 3) : part.abbreviation;
    const labels = part.name === "" ? "" : label + element("labelAbbr", {}, escaped(short));
    const isAlone = part.staves.length === 1;
    const definitions = part.staves.map((staff) => {
      const own = signs?.staves.get(staff.number)?.signs;
      const content =
        (isAlone ? labels : "") +
        clefElement(own?.clef ?? {}) +
        keyElement(own?.key ?? {}) +
        timeElement(own?.time ?? null);
      return element("staffDef", { n: staff.number, lines: 5 }, content);
    });
    return isAlone
      ? definitions.join("")
      : element("staffGrp", { symbol: "brace", "bar.thru": "true" }, labels + definitions.join(""));
  });
  const group = { symbol: parts.length > 1 ? "bracket" : null, "bar.thru": "true" };
  return element("scoreDef", {}, element("staffGrp", group, groups.join("")));
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

function breakBefore(measure: string, facets: Facets): string {
  const layout = entryOf(facets, "lay", measure);
  return layout["system"] === true || layout["page"] === true ? element("sb", {}) : "";
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
  measureIndex: number,
  cell: Cell | undefined,
  here: MeasureSigns,
  next: MeasureSigns | undefined,
  staves: readonly Staff[],
  sources: Sources,
): { content: string; places: readonly Place[] } {
  const own = here.staves.get(staff.number);
  const following = next?.staves.get(staff.number);
  // A clef for the next measure stands before its barline.
  const warning =
    following?.hasNewClef && !own?.clefs.length ? clefElement(following.signs.clef) : "";
  const staffNumbers = staves.filter((each) => each.part === staff.part).map((s) => s.number);
  // A part may have fewer staves than somebody wrote for.
  const voices = (cell?.voices ?? []).filter(
    (voice) => Math.min(homeOf(voice.items), staffNumbers.length) === staff.within,
  );
  const place = { part: staff.part, measure: measure.id, measureIndex, staff: staff.within };
  if (voices.length === 0) {
    const id = gapId(place, 1, ZERO_TIME);
    const duration = cell?.length ?? measure.length ?? { numerator: 4n, denominator: 1n };
    const rest = element("mRest", { "xml:id": id });
    const gap: Place = {
      ...place,
      id,
      kind: "gap",
      voice: firstVoice(staff.within),
      onset: ZERO_TIME,
      duration,
      events: [],
    };
    return { content: element("layer", { n: 1 }, rest + warning), places: [gap] };
  }
  const time = own?.signs.time ?? null;
  const pitches = pitchesOf(cell, own?.signs.key ?? {}, sources);
  const places: Place[] = [];
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
    const content = written.content + (index === 0 ? warning : "");
    return element("layer", { n: index + 1 }, content);
  });
  return { content: layers.join(""), places };
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

function inOrder(places: readonly Place[], parts: readonly PartStaves[]): Place[] {
  const ranks = new Map(parts.map((part, index) => [part.id, index]));
  return [...places].sort(
    (a, b) =>
      (ranks.get(a.part) ?? 0) - (ranks.get(b.part) ?? 0) ||
      a.staff - b.staff ||
      a.voice - b.voice ||
      a.measureIndex - b.measureIndex ||
      compareTimes(a.onset, b.onset) ||
      Number(b.kind === "grace") - Number(a.kind === "grace"),
  );
}
