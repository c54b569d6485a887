import {
  ATTRIBUTE_KINDS,
  before,
  COUNT_MAX,
  EVERY_PART,
  isObject,
  KEY_SEPARATOR,
  ONSET,
} from "../model.ts";
import { rational } from "../rational.ts";

export const ORDER_CHARS_MAX = 256;
export const OCTAVE_MIN = -1;
export const OCTAVE_MAX = 12;
export const FIFTHS_MAX = 14;
export const DOTS_MAX = 8;

const LIST_ITEMS_MAX = 64;
const PIECES_MAX = 1024;
const ALTER_SEMITONES_MAX = 4;
const BPM_MAX = 10_000;
const ID_CHARS_MAX = 128;

const ORDER = new RegExp(`^[0-9A-Za-z]{1,${ORDER_CHARS_MAX}}$`);
const VERSE = /^[^|]{1,16}$/u;
const NUMBER = /^(?:0|[1-9][0-9]{0,8})$/;
const STAFF = /^[1-9][0-9]?$/;
const NAME_START =
  "A-Z_a-z\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}" +
  "\\u{200c}-\\u{200d}\\u{2070}-\\u{218f}\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}" +
  "\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}\\u{10000}-\\u{effff}";
const NCNAME = new RegExp(
  `^[${NAME_START}][\\-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}-\\u{2040}${NAME_START}]` +
    `{0,${ID_CHARS_MAX - 1}}$`,
  "u",
);

/** Whether a value of one field is what the schema has there. */
type Rule = (value: unknown) => boolean;

interface Shape {
  readonly required: readonly string[];
  readonly rules: ReadonlyMap<string, Rule>;
}

export function isStep(value: unknown): value is string {
  return typeof value === "string" && /^[A-G]$/.test(value);
}

export function isAlter(value: unknown): value is number {
  return isNumber(value, -ALTER_SEMITONES_MAX, ALTER_SEMITONES_MAX);
}

/** Whether an entry that is to be written is one that readers understand. */
export function isSound(facet: string, key: string, value: unknown): boolean {
  if (facet === "meta") {
    return isText(value);
  }
  if (!isKey(facet, key) || !isObject(value)) {
    return false;
  }
  const shape = shapeOf(facet, key);
  const names = Object.keys(value);
  const isPitch = facet !== "pt" || ["rest", "unpitched"].some((name) => name in value);
  return (
    shape.required.every((name) => name in value) &&
    names.every((name) => shape.rules.get(name)?.(value[name]) ?? false) &&
    (isPitch || ("step" in value && "octave" in value))
  );
}

function isKey(facet: string, key: string): boolean {
  const [owner, ...more] = key.split(KEY_SEPARATOR);
  if (facet === "ly") {
    return more.length === 1 && isId(owner) && VERSE.test(more[0] ?? "");
  }
  if (facet === "raw") {
    return more.length === 1 && (owner === EVERY_PART || isId(owner)) && NUMBER.test(more[0] ?? "");
  }
  if (facet !== "attr") {
    return isId(key);
  }
  const [measure = "", scope = "", at = ""] = more;
  const isAttribute = ATTRIBUTE_KINDS.has(owner ?? "") && more.length === 3;
  return isAttribute && isId(measure) && isScope(scope) && isPlace(owner ?? "", at);
}

function isScope(text: string): boolean {
  const part = before(text, "/");
  const isStaffSound = part === text || STAFF.test(text.slice(part.length + 1));
  return text === EVERY_PART || (isId(part) && isStaffSound);
}

/** In lowest terms only: one place has one key. */
function isPlace(kind: string, text: string): boolean {
  if (text === "left" || text === "right") {
    return kind === "barline";
  }
  const onset = ONSET.exec(text);
  if (!onset) {
    return false;
  }
  const { numerator, denominator } = rational(BigInt(onset[1] ?? 0), BigInt(onset[2] ?? 1));
  return `${numerator}/${denominator}` === text;
}

function isNumber(value: unknown, low: number, high: number): value is number {
  return typeof value === "number" && low <= value && value <= high;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

const isId: Rule = (value) => typeof value === "string" && NCNAME.test(value);
const isOrder: Rule = (value) => typeof value === "string" && ORDER.test(value);
const isText: Rule = (value) => typeof value === "string";
const isFlag: Rule = (value) => typeof value === "boolean";
const isTime: Rule = (value) =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every(isInteger) &&
  (value[0] as number) >= 0 &&
  (value[1] as number) >= 1;
const isSpan: Rule = (value) => isTime(value) && (value as number[])[0] !== 0;
const isBpm: Rule = (value) => isNumber(value, 1, BPM_MAX);
const isGrace: Rule = (value) =>
  isObject(value) &&
  isOrder(value["order"]) &&
  Object.keys(value).every((name) => name === "order" || name === "slash") &&
  typeof (value["slash"] ?? false) === "boolean";
const isTransposition: Rule = (value) =>
  isObject(value) &&
  Object.keys(value).sort().join() === "chromatic,diatonic" &&
  Object.values(value).every(isInteger);
const isBeatGroup: Rule = (value) =>
  isObject(value) &&
  Object.keys(value).sort().join() === "beats,unit" &&
  isBeats(value["beats"]) &&
  isCount(value["unit"]);

function between(low: number, high: number): Rule {
  return (value) => isInteger(value) && isNumber(value, low, high);
}

function oneOf(...words: string[]): Rule {
  return (value) => typeof value === "string" && words.includes(value);
}

function listOf(rule: Rule, itemsMax = LIST_ITEMS_MAX): Rule {
  return (value) => Array.isArray(value) && value.length <= itemsMax && value.every(rule);
}

const isCount = between(1, COUNT_MAX);
const isStaff = between(1, 99);
const isBeats = listOf(isCount);
const isPlacement = oneOf("above", "below");
const isTexts = listOf(isText);

/** Members that may be there end in a question mark. */
function shape(rules: Readonly<Record<string, Rule>>): Shape {
  const names = Object.entries(rules).map(([name, rule]) => [name.replace("?", ""), rule] as const);
  return {
    required: Object.keys(rules).filter((name) => !name.endsWith("?")),
    rules: new Map(names),
  };
}

const SHAPES: Readonly<Record<string, Shape>> = {
  parts: shape({
    order: isOrder,
    name: isText,
    staves: isStaff,
    "abbreviation?": isText,
    "transposition?": isTransposition,
  }),
  measures: shape({
    order: isOrder,
    number: isText,
    "length?": isSpan,
    "implicit?": isFlag,
    "deleted?": isFlag,
  }),
  ev: shape({
    part: isId,
    measure: isId,
    kind: oneOf("note", "space"),
    onset: isTime,
    duration: isTime,
    voice: isCount,
    staff: isStaff,
    "type?": oneOf(
      ...["1024th", "512th", "256th", "128th", "64th", "32nd", "16th", "eighth"],
      ...["quarter", "half", "whole", "breve", "long", "maxima"],
    ),
    "dots?": between(0, DOTS_MAX),
    "chord?": isId,
    "grace?": isGrace,
  }),
  pt: shape({
    "step?": isStep,
    "octave?": between(OCTAVE_MIN, OCTAVE_MAX),
    "alter?": isAlter,
    "accidental?": isText,
    "rest?": oneOf("rest", "measure"),
    "unpitched?": isFlag,
  }),
  nx: shape({
    "articulations?": isTexts,
    "fermata?": oneOf("upright", "inverted"),
    "stem?": oneOf("up", "down", "none", "double"),
    "beams?": listOf(oneOf("begin", "continue", "end", "forward hook", "backward hook")),
    "raw?": isTexts,
  }),
  sp: shape({
    kind: oneOf("tie", "slur", "tuplet", "wedge", "ottava", "pedal", "ending"),
    start: isId,
    end: isId,
    "placement?": isPlacement,
    "text?": isText,
    "actual?": isCount,
    "normal?": isCount,
    "size?": between(-22, 22),
  }),
  dir: shape({
    part: isId,
    measure: isId,
    onset: isTime,
    kind: oneOf(
      ...["dynamics", "words", "rehearsal", "metronome", "harmony"],
      ...["segno", "coda", "wedge", "ottava", "pedal"],
    ),
    "text?": isText,
    "placement?": isPlacement,
    "staff?": isStaff,
    "unit?": isSpan,
    "bpm?": isBpm,
    "raw?": isTexts,
  }),
  ly: shape({
    text: isText,
    syllabic: oneOf("single", "begin", "middle", "end"),
    "extend?": isFlag,
  }),
  lay: shape({ "system?": isFlag, "page?": isFlag }),
  time: shape({
    beats: isBeats,
    unit: isCount,
    "symbol?": oneOf("common", "cut"),
    "plus?": listOf(isBeatGroup),
  }),
  key: shape({
    fifths: between(-FIFTHS_MAX, FIFTHS_MAX),
    "mode?": isText,
    "steps?": listOf(isStep),
    "alters?": listOf(isAlter),
  }),
  clef: shape({
    sign: oneOf("G", "F", "C", "percussion", "TAB", "jianpu", "none"),
    "line?": between(1, 9),
    "octave?": between(-3, 3),
  }),
  barline: shape({
    "style?": oneOf(
      ...["regular", "dotted", "dashed", "heavy", "light-light", "light-heavy"],
      ...["heavy-light", "heavy-heavy", "tick", "short", "none"],
    ),
    "repeat?": oneOf("forward", "backward"),
    "times?": isCount,
  }),
  tempo: shape({ unit: isSpan, bpm: isBpm, "text?": isText }),
};
const RAW_TEXTS = shape({ texts: listOf(isText, PIECES_MAX) });
const RAW_CELLS = shape({ measures: listOf(isId), facts: isTexts, xml: isTexts });

function shapeOf(facet: string, key: string): Shape {
  if (facet === "raw") {
    return key.startsWith(EVERY_PART) ? RAW_TEXTS : RAW_CELLS;
  }
  const name = facet === "attr" ? before(key, KEY_SEPARATOR) : facet;
  return SHAPES[name] as Shape;
}
