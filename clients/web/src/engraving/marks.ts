import { type Facets, type Rational, readTime, toNumber, type View } from "bandpro-score";
import { asNumber, asText, type Entry, entryOf } from "./entries.ts";
import type { Line, Lines } from "./lines.ts";
import { type MeasureSigns, unitOf } from "./signs.ts";
import type { Staff } from "./staves.ts";
import { eventsOf } from "./voice.ts";
import { type Attributes, element, escaped } from "./xml.ts";

interface Spot {
  readonly measure: number;
  readonly staff: number;
  readonly tstamp: string;
}

const QUARTERS_IN_WHOLE = 4;
const TEMPO_UNITS: ReadonlyMap<string, string> = new Map([
  ["1/1", "♩"],
  ["3/2", "♩."],
  ["1/2", "♪"],
]);

/** What stands at notes and over staves of each measure: lines, dynamics, words, tempi, fermatas. */
export function measureMarks(
  view: View,
  facets: Facets,
  lines: Lines,
  signs: readonly MeasureSigns[],
  staves: readonly Staff[],
): readonly string[] {
  const marks: string[][] = view.measures.map(() => []);
  const events = new Map<string, number>();
  const directions = new Map<string, Spot>();
  for (const [index, measure] of view.measures.entries()) {
    for (const cell of measure.cells) {
      for (const item of cell.voices.flatMap((voice) => voice.items)) {
        for (const id of item.kind === "space" ? [] : eventsOf(item)) {
          events.set(id, index);
        }
      }
      for (const id of cell.directions) {
        const spot = spotOf(id, index, cell.part, facets, signs[index], staves);
        if (spot) {
          directions.set(id, spot);
        }
      }
    }
  }
  const add = (measure: number | undefined, mark: string) => {
    marks[measure ?? -1]?.push(mark);
  };
  for (const [id, measure] of events) {
    const fermata = asText(entryOf(facets, "nx", id)["fermata"]);
    if (fermata !== "") {
      const form = fermata === "inverted" ? "inv" : "norm";
      add(measure, element("fermata", { startid: `#${id}`, form, place: placeOf(form) }));
    }
  }
  for (const [name, line] of [
    ...lines.ties.map((line) => ["tie", line] as const),
    ...lines.slurs.map((line) => ["slur", line] as const),
  ]) {
    add(events.get(line.start), lineElement(name, line));
  }
  for (const [id, spot] of directions) {
    const wedge = lines.wedges.get(id);
    const end = wedge && directions.get(wedge.end);
    if (wedge && end) {
      add(spot.measure, hairpin(wedge, spot, end, facets));
    } else if (!lines.ends.has(id)) {
      add(spot.measure, directionElement(id, entryOf(facets, "dir", id), spot));
    }
  }
  for (const [index, { tempi, staves: here }] of signs.entries()) {
    const time = here.get(1)?.signs.time ?? null;
    for (const { at, tempo } of tempi) {
      add(index, tempoElement(tempo, tstampOf(at, unitOf(time))));
    }
  }
  return marks.map((each) => each.join(""));
}

function spotOf(
  id: string,
  measure: number,
  part: string,
  facets: Facets,
  signs: MeasureSigns | undefined,
  staves: readonly Staff[],
): Spot | null {
  const value = entryOf(facets, "dir", id);
  const within = asNumber(value["staff"], 1);
  const own = staves.filter((staff) => staff.part === part);
  const staff = own.find((each) => each.within === within) ?? own[0];
  const onset = readTime(value["onset"]);
  if (!staff || !onset) {
    return null;
  }
  const time = signs?.staves.get(staff.number)?.signs.time ?? null;
  return { measure, staff: staff.number, tstamp: tstampOf(onset, unitOf(time)) };
}

/** Beats of the metre, from 1. */
function tstampOf(onset: Rational, unit: number): string {
  const beats = (toNumber(onset) * unit) / QUARTERS_IN_WHOLE + 1;
  return String(Number(beats.toFixed(5)));
}

function placeOf(form: string): string {
  return form === "inv" ? "below" : "above";
}

function lineElement(name: string, { id, start, end, value }: Line): string {
  const placement = asText(value["placement"]);
  return element(name, {
    "xml:id": id,
    startid: `#${start}`,
    endid: `#${end}`,
    curvedir: placement === "above" || placement === "below" ? placement : null,
  });
}

function hairpin(line: Line, start: Spot, end: Spot, facets: Facets): string {
  const isFalling = asText(entryOf(facets, "dir", line.start)["text"]) === "diminuendo";
  return element("hairpin", {
    "xml:id": line.id,
    form: isFalling ? "dim" : "cres",
    staff: start.staff,
    tstamp: start.tstamp,
    tstamp2: `${Math.max(0, end.measure - start.measure)}m+${end.tstamp}`,
  });
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

function tempoElement(tempo: Entry, tstamp: string): string {
  const unit = tempo["unit"];
  const name = TEMPO_UNITS.get(Array.isArray(unit) ? unit.join("/") : "") ?? "♩";
  const words = asText(tempo["text"]);
  const count = `${name} = ${asNumber(tempo["bpm"], 60)}`;
  const text = words === "" ? count : `${words} (${count})`;
  return element("tempo", { staff: 1, tstamp, place: "above" }, escaped(text));
}
