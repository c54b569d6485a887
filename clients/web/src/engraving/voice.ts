import {
  type Facets,
  type Item,
  type Rational,
  timeText,
  toNumber,
  type Voice,
  ZERO_TIME,
} from "bandpro-score";
import type { MeasureAccidentals } from "./accidentals.ts";
import { type Beamable, beamSpans } from "./beams.ts";
import {
  nearestValue,
  PLAIN,
  type Ratio,
  restPieces,
  typedValue,
  type WrittenValue,
  writtenValue,
} from "./durations.ts";
import { asEntry, asNumber, asText, asTexts, entryOf } from "./entries.ts";
import { nested, type Span } from "./groups.ts";
import type { Lines, TupletLine } from "./lines.ts";
import type { Place } from "./places.ts";
import { type ClefChange, clefElement } from "./signs.ts";
import { type Syllables, verseElements } from "./syllables.ts";
import { type Attributes, element } from "./xml.ts";

/** All that the voices of one score need to be written. */
export interface Sources {
  readonly facets: Facets;
  readonly lines: Lines;
  readonly syllables: Syllables;
}

/** Where a voice is. */
export interface VoiceFrame {
  readonly part: string;
  readonly measure: string;
  readonly staff: number;
  /** By number within the part: the staff's number on the page. */
  readonly staffNumbers: readonly number[];
  /** Whether what is empty is drawn; in others than the first voice of a staff it is not. */
  readonly showsGaps: boolean;
  /** In quarter notes. */
  readonly beat: number;
  readonly clefs: readonly ClefChange[];
  /** By staff within the part. */
  readonly pitches: ReadonlyMap<string, Attributes>;
}

/** One voice of one measure as the content of a layer. */
export interface WrittenVoice {
  readonly content: string;
  readonly places: readonly Place[];
  /** Notes, chords and rests by their events, out of their beams. */
  readonly items: readonly (readonly [event: string, markup: string])[];
}

interface Written extends Beamable {
  readonly markup: string;
  readonly events: readonly string[];
}

const ARTICULATIONS: ReadonlyMap<string, string> = new Map([
  ["staccato", "stacc"],
  ["tenuto", "ten"],
  ["accent", "acc"],
  ["strong-accent", "marc"],
  ["staccatissimo", "stacciss"],
  ["spiccato", "spicc"],
  ["detached-legato", "ten-stacc"],
]);
const SHORT: ReadonlySet<string> = new Set(["8", "16", "32", "64", "128", "256"]);

export function writeVoice(voice: Voice, frame: VoiceFrame, sources: Sources): WrittenVoice {
  const written: Written[] = [];
  const places: Place[] = [];
  const tuplets: Span[] = [];
  const clefs = [...frame.clefs];
  let open: { line: TupletLine; first: number } | null = null;
  for (const item of voice.items) {
    while (clefs[0] && toNumber(clefs[0].at) <= toNumber(item.onset)) {
      written.push(sign(clefElement(clefs.shift()?.clef ?? {}), item.onset));
    }
    const events = eventsOf(item);
    const line = events.map((id) => sources.lines.tuplets.get(id)).find((found) => found);
    if (line && open === null) {
      open = { line, first: written.length };
    }
    const ratio = open?.line ?? PLAIN;
    for (const [markup, place] of writeItem(item, ratio, voice.number, frame, sources)) {
      written.push(markup);
      if (place) {
        places.push(place);
      }
    }
    if (open && events.includes(open.line.end)) {
      tuplets.push(tupletSpan(open.line, open.first, written.length - 1));
      open = null;
    }
  }
  const tail = clefs.map(({ clef }) => clefElement(clef));
  const spans = [...tuplets, ...beamSpans(written, frame.beat)];
  const content = nested(
    written.map((each) => each.markup),
    spans,
  );
  const items = written.flatMap(({ events, markup }) => events.map((id) => [id, markup] as const));
  return { content: content + tail.join(""), places, items };
}

function tupletSpan({ id, actual, normal }: TupletLine, first: number, last: number): Span {
  const attributes = { "xml:id": id, num: actual, numbase: normal };
  return { first, last, wrap: (content) => element("tuplet", attributes, content) };
}

function sign(markup: string, onset: Rational): Written {
  return { markup, events: [], onset: toNumber(onset), isShort: false, beam: null, isGrace: true };
}

export function eventsOf(item: Item): readonly string[] {
  if (item.kind === "chord" || item.kind === "grace") {
    return item.ids;
  }
  return item.kind === "gap" ? [] : [item.id];
}

function writeItem(
  item: Item,
  ratio: Ratio,
  voice: number,
  frame: VoiceFrame,
  sources: Sources,
): readonly (readonly [Written, Place | null])[] {
  if (item.kind === "gap") {
    return writeGap(item.onset, item.duration, ratio, voice, frame);
  }
  const duration = item.kind === "grace" ? null : item.duration;
  const [first = ""] = eventsOf(item);
  const event = entryOf(sources.facets, "ev", first);
  const value =
    (duration && writtenValue(duration, ratio)) ??
    typedValue(event["type"], event["dots"]) ??
    (duration ? nearestValue(duration, ratio) : { dur: "8", dots: 0 });
  const markup = markupOf(item, value, frame, sources);
  const [beam = null] = asTexts(entryOf(sources.facets, "nx", first)["beams"]);
  const written: Written = {
    markup,
    events: eventsOf(item),
    onset: toNumber(item.onset),
    isShort: item.kind === "chord" && SHORT.has(value.dur),
    beam,
    isGrace: item.kind === "grace",
  };
  const place: Place = {
    id: first,
    kind: item.kind === "space" ? "gap" : item.kind,
    part: frame.part,
    measure: frame.measure,
    voice,
    staff: frame.staff,
    onset: item.onset,
    duration: duration ?? ZERO_TIME,
    events: eventsOf(item),
  };
  return [[written, item.kind === "space" ? null : place]];
}

function markupOf(
  item: Exclude<Item, { kind: "gap" }>,
  { dur, dots }: WrittenValue,
  frame: VoiceFrame,
  sources: Sources,
): string {
  const timing = { dur, dots: dots === 0 ? null : dots };
  if (item.kind === "space") {
    return element("space", { "xml:id": item.id, ...timing });
  }
  if (item.kind === "rest") {
    return item.fillsMeasure
      ? element("mRest", { "xml:id": item.id, ...crossing(item.staff, frame) })
      : element("rest", { "xml:id": item.id, ...timing, ...crossing(item.staff, frame) });
  }
  const notation = entryOf(sources.facets, "nx", item.ids[0] ?? "");
  const stem = asText(notation["stem"]);
  const shared: Attributes = {
    ...timing,
    "stem.dir": stem === "up" || stem === "down" ? stem : null,
    grace: item.kind === "grace" ? graceOf(item.ids[0] ?? "", sources.facets) : null,
    ...crossing(item.staff, frame),
  };
  const inside =
    articulations(item.ids, sources.facets) + verseElements(item.ids, sources.syllables);
  const notes = item.ids.map(
    (id) => [id, { "xml:id": id, ...(frame.pitches.get(id) ?? {}) }] as const,
  );
  const [only] = notes;
  if (only && notes.length === 1) {
    return element("note", { ...only[1], ...shared }, inside);
  }
  const heads = notes.map(([, attributes]) => element("note", attributes)).join("");
  return element("chord", { "xml:id": `chord_${item.ids[0]}`, ...shared }, heads + inside);
}

function crossing(staff: number, frame: VoiceFrame): Attributes {
  return { staff: staff === frame.staff ? null : (frame.staffNumbers[staff - 1] ?? null) };
}

function graceOf(id: string, facets: Facets): string {
  const grace = asEntry(entryOf(facets, "ev", id)["grace"]);
  return grace?.["slash"] === true ? "unacc" : "acc";
}

/** A chord has each once, whichever of its notes say so. */
function articulations(ids: readonly string[], facets: Facets): string {
  const names = ids.flatMap((id) => asTexts(entryOf(facets, "nx", id)["articulations"]));
  return [...new Set(names.map((name) => ARTICULATIONS.get(name)))]
    .filter((artic) => artic !== undefined)
    .map((artic) => element("artic", { artic }))
    .join("");
}

/** Empty time has an id made up of its place, so that it keeps it while others write. */
function writeGap(
  onset: Rational,
  duration: Rational,
  ratio: Ratio,
  voice: number,
  frame: VoiceFrame,
): readonly (readonly [Written, Place | null])[] {
  const whole = writtenValue(duration, ratio);
  const pieces =
    ratio === PLAIN
      ? restPieces(onset, duration)
      : [{ onset, duration, value: whole ?? nearestValue(duration, ratio) }];
  return pieces.map((piece) => {
    const id = gapId(frame, voice, piece.onset);
    const { dur, dots } = piece.value;
    const name = frame.showsGaps ? "rest" : "space";
    const markup = element(name, { "xml:id": id, dur, dots: dots === 0 ? null : dots });
    const place: Place = {
      id,
      kind: "gap",
      part: frame.part,
      measure: frame.measure,
      voice,
      staff: frame.staff,
      onset: piece.onset,
      duration: piece.duration,
      events: [],
    };
    return [sign(markup, piece.onset), frame.showsGaps ? place : null] as const;
  });
}

export function gapId(
  { measure, part, staff }: Pick<VoiceFrame, "measure" | "part" | "staff">,
  voice: number,
  onset: Rational,
): string {
  return `gap_${measure}_${part}_${staff}_${voice}_${timeText(onset).replace("/", "-")}`;
}

/** The pitch of a note as attributes, for notes without one the place where they are drawn. */
export function pitchAttributes(
  id: string,
  facets: Facets,
  accidentals: MeasureAccidentals,
  isTied: boolean,
): Attributes {
  const pitch = entryOf(facets, "pt", id);
  const step = asText(pitch["step"]);
  if (!/^[A-G]$/.test(step)) {
    return { loc: 4 };
  }
  const place = { pname: step.toLowerCase(), oct: asNumber(pitch["octave"], 4) };
  return pitch["unpitched"] === true ? place : { ...place, ...accidentals.of(pitch, isTied) };
}
