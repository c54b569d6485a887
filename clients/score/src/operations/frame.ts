import { before, EVERY_PART, KEY_SEPARATOR, readScore, type Setting } from "../model.ts";
import { ZERO } from "../rational.ts";
import { Settings } from "../settings.ts";
import { asRational, type Draft, EditRefused, isZero, writtenTime } from "./draft.ts";
import { deleteElements } from "./events.ts";
import { attributeKey } from "./lines.ts";
import type {
  AddPart,
  DeleteMeasures,
  InsertMeasures,
  Interval,
  Json,
  MoveMeasures,
  MovePart,
  NumberMeasures,
  RemovePart,
  RenamePart,
  RestoreMeasures,
  SetHeader,
  SetMeasureLength,
  SetTransposition,
} from "./operations.ts";
import { placeAfter } from "./order.ts";
import { barsOf, measuresInOrder } from "./places.ts";
import { isSound } from "./rules.ts";

const INSERTED_MAX = 1000;
const TEXT_CHARS_MAX = 1000;
const HEADERS = new Set(["title", "movement", "composer", "lyricist", "arranger", "rights"]);
/** How the barline looks that ends a piece. */
const FINAL = "light-heavy";
const WITH_IDS = ["parts", "measures", "ev", "sp", "dir"];
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Sets or deletes one text of `meta`; what else is there is not for editors. */
export function setHeader(draft: Draft, { name, text }: SetHeader): void {
  // As the server counts: a character outside of the basic plane is one.
  if (!HEADERS.has(name) || [...text].length > TEXT_CHARS_MAX) {
    const message = `A header has a known name, and ${TEXT_CHARS_MAX} characters.`;
    throw new EditRefused("out-of-range", message);
  }
  if (text !== "") {
    draft.putText(name, text);
  } else {
    draft.drop("meta", name);
  }
}

/** Adds empty measures; the end of the piece goes along, and its beginning. Gives their ids, in order. */
export function insertMeasures(draft: Draft, operation: Omit<InsertMeasures, "op">): string[] {
  const { after } = operation;
  const isLast = after !== null && barsOf(draft).at(-1)?.id === after;
  const { held, moved } = after === null ? beginningOf(draft) : NO_BEGINNING;
  const added = addMeasures(draft, operation);
  const [first = ""] = added;
  for (const { key, kind, scope } of held) {
    const value = draft.find("attr", key, "setting");
    draft.put("attr", attributeKey(kind, first, scope, ZERO), value);
  }
  for (const key of moved) {
    draft.drop("attr", key);
  }
  const last = added.at(-1);
  if (isLast && last !== undefined) {
    moveEnd(draft, after, last);
  }
  return added;
}

/** What holds from the start of the first measure on; no barlines, and nothing malformed. */
interface Beginning {
  readonly held: readonly Setting[];
  /** The keys that go when it is said before: what a deleted measure said would hold again. */
  readonly moved: readonly string[];
}

const NO_BEGINNING: Beginning = { held: [], moved: [] };

function beginningOf(draft: Draft): Beginning {
  const score = readScore(draft.view("measures", "attr"));
  const settings = new Settings();
  const all = [...score.settings.values()];
  let keys: readonly string[] = [];
  let first: string | null = null;
  const passed: Setting[] = [];
  for (const measure of score.measures.values()) {
    const here = all.filter((each) => each.measure === measure.id);
    keys = settings.enter(measure, here);
    if (!measure.isDeleted) {
      first = measure.id;
      break;
    }
    passed.push(...here);
  }
  if (first === null) {
    keys = settings.pending();
  }
  // What a deleted measure says holds from here, wherever in it that was.
  const held = keys
    .flatMap((key) => score.settings.get(key) ?? [])
    .filter((each) => isMovable(draft, each))
    .filter((each) => each.measure !== first || (each.at !== null && isZero(each.at)));
  // Where all are deleted theirs stay, for when they come back.
  const gone = first === null ? [] : [...held, ...passed];
  const moved = gone.filter((each) => isMovable(draft, each)).map(({ key }) => key);
  return { held, moved };
}

function isMovable(draft: Draft, { kind, key }: Setting): boolean {
  return kind !== "barline" && isSound("attr", key, draft.get("attr", key));
}

/** Moves the barline that ends a piece; one that repeats stays where it is. */
function moveEnd(draft: Draft, former: string, last: string): void {
  const old = attributeKey("barline", former, EVERY_PART, "right");
  const value = draft.get("attr", old);
  if (value?.["style"] === FINAL && !("repeat" in value)) {
    draft.drop("attr", old);
    draft.put("attr", attributeKey("barline", last, EVERY_PART, "right"), value);
  }
}

/** Adds empty measures and nothing else; gives their ids, in order. */
export function addMeasures(
  draft: Draft,
  { after, count = 1 }: Omit<InsertMeasures, "op">,
): string[] {
  if (!(1 <= count && count <= INSERTED_MAX)) {
    throw new EditRefused("out-of-range", `From 1 to ${INSERTED_MAX} measures are inserted.`);
  }
  const added = Array.from({ length: count }, () => draft.newId());
  const numbers = numbersFor(draft, after, count);
  for (const [at, key] of added.entries()) {
    draft.put("measures", key, { number: numbers[at] });
  }
  orderMeasures(draft, after, added);
  return added;
}

/** Gives measures other orders; nothing in them changes. */
export function moveMeasures(draft: Draft, { measures, after }: MoveMeasures): void {
  if (after !== null && measures.includes(after)) {
    throw new EditRefused("out-of-range", "Measures do not move behind themselves.", ...measures);
  }
  for (const key of measures) {
    draft.find("measures", key, "measure");
  }
  orderMeasures(draft, after, measures);
}

/** Sets tombstones. */
export function deleteMeasures(draft: Draft, { measures }: Pick<DeleteMeasures, "measures">): void {
  for (const key of measures) {
    draft.put("measures", key, { ...draft.find("measures", key, "measure"), deleted: true });
  }
}

/** Takes tombstones away. */
export function restoreMeasures(draft: Draft, { measures }: RestoreMeasures): void {
  for (const key of measures) {
    draft.put("measures", key, { ...draft.find("measures", key, "measure"), deleted: null });
  }
}

/** Sets or deletes a measure's own length. */
export function setMeasureLength(draft: Draft, operation: SetMeasureLength): void {
  const { measure, length } = operation;
  const wanted = length === null ? null : asRational(length);
  if (wanted !== null && wanted.numerator <= 0n) {
    throw new EditRefused("out-of-range", "A measure's length is above 0.", measure);
  }
  const value = draft.find("measures", measure, "measure");
  draft.put("measures", measure, {
    ...value,
    length: wanted === null ? null : writtenTime(wanted),
  });
}

/** Counts all measures that are there and that count. */
export function numberMeasures(draft: Draft, { first = 1 }: NumberMeasures): void {
  let number = first;
  for (const { id } of barsOf(draft)) {
    const value = draft.find("measures", id, "measure");
    if (value["implicit"] !== true) {
      draft.put("measures", id, { ...value, number: String(number) });
      number += 1;
    }
  }
}

/** Adds a part without content. */
export function addPart(draft: Draft, operation: AddPart): void {
  const { name, after, staves = 1, abbreviation = "", transposition = null } = operation;
  const key = operation.part || draft.newId();
  if (WITH_IDS.some((facet) => draft.get(facet, key) !== null)) {
    throw new EditRefused("occupied", "There is something of that id.", key);
  }
  draft.put("parts", key, {
    name,
    staves,
    abbreviation: abbreviation || undefined,
    transposition: asJson(transposition),
  });
  orderPart(draft, after, key);
}

/** Deletes a part and its content; what others write into it meanwhile is orphaned. */
export function removePart(draft: Draft, { part }: RemovePart): void {
  draft.find("parts", part, "part");
  draft.drop("parts", part);
  const elements = ["ev", "dir"].flatMap((facet) =>
    [...draft.entries(facet)].filter(([, value]) => value["part"] === part).map(([key]) => key),
  );
  deleteElements(draft, { elements, with_spanners: true });
  for (const setting of readScore(draft.view("attr")).settings.values()) {
    if (setting.part === part) {
      draft.drop("attr", setting.key);
    }
  }
  for (const key of draft.keys("raw").filter((each) => before(each, KEY_SEPARATOR) === part)) {
    draft.drop("raw", key);
  }
}

/** Changes a part's name and abbreviation. */
export function renamePart(draft: Draft, { part, name, abbreviation = "" }: RenamePart): void {
  const value = draft.find("parts", part, "part");
  draft.put("parts", part, { ...value, name, abbreviation: abbreviation || undefined });
}

/** Changes the order of the parts. */
export function movePart(draft: Draft, { part, after }: MovePart): void {
  draft.find("parts", part, "part");
  if (part === after) {
    throw new EditRefused("out-of-range", "A part does not move behind itself.", part);
  }
  orderPart(draft, after, part);
}

/** Changes what a part sounds, not what is written. */
export function setTransposition(draft: Draft, { part, interval }: SetTransposition): void {
  const value = draft.find("parts", part, "part");
  draft.put("parts", part, { ...value, transposition: asJson(interval) });
}

function asJson(interval: Interval | null): Json {
  return interval && { diatonic: interval.diatonic, chromatic: interval.chromatic };
}

function orderPart(draft: Draft, after: string | null, part: string): void {
  order(draft, "parts", [...readScore(draft.view("parts")).parts.values()], after, [part]);
}

function orderMeasures(draft: Draft, after: string | null, measures: readonly string[]): void {
  order(draft, "measures", measuresInOrder(draft), after, measures);
}

/** Puts entries behind another, or before all, wherever they are now. */
function order(
  draft: Draft,
  facet: string,
  present: readonly { readonly id: string; readonly order: string }[],
  after: string | null,
  placed: readonly string[],
): void {
  const moving = new Set(placed);
  const others = present
    .filter((each) => !moving.has(each.id))
    .map((each) => [each.order, each.id] as const);
  for (const [key, found] of placeAfter(others, after, placed)) {
    draft.put(facet, key, { ...draft.find(facet, key, "element"), order: found });
  }
}

/** Continues the count at the end; elsewhere letters behind the number before: 12a, 12b. */
function numbersFor(draft: Draft, after: string | null, count: number): string[] {
  if (after === null) {
    return Array.from({ length: count }, () => "0");
  }
  const { number } = draft.find("measures", after, "measure");
  const text = typeof number === "string" ? number : "";
  const isCounted = /^[0-9]+$/.test(text) && barsOf(draft).at(-1)?.id === after;
  return Array.from({ length: count }, (_, place) =>
    isCounted ? String(BigInt(text) + BigInt(place + 1)) : `${text}${lettersFor(place)}`,
  );
}

/** Names a place: a, b, ... z, aa, ab, ... */
function lettersFor(place: number): string {
  let name = "";
  for (let rest = place + 1; rest > 0; rest = Math.floor((rest - 1) / LETTERS.length)) {
    name = LETTERS[(rest - 1) % LETTERS.length] + name;
  }
  return name;
}
