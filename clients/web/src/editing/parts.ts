import { compareTimes, type Fields, type Operation, ZERO_TIME } from "bandpro-score";
import { asEntry, asNumber, asText, type Entry, entryOf } from "../engraving/entries.ts";
import { covers, onsetOf, signPlace } from "../engraving/signs.ts";
import { timeOf } from "./actions.ts";
import type { Instrument } from "./instruments.ts";
import type { ScoreIndex } from "./score-index.ts";
import { fifthsOf, isPercussion, within } from "./settings.ts";

/** A part as a list shows it. */
export interface PartEntry {
  readonly id: string;
  readonly name: string;
  readonly abbreviation: string;
}

/** The parts from the top of the page. */
export function partsOf({ view, facets }: ScoreIndex): readonly PartEntry[] {
  return view.parts.map((id) => {
    const { name, abbreviation } = entryOf(facets, "parts", id);
    return { id, name: asText(name), abbreviation: asText(abbreviation) };
  });
}

/** What adds a part, and what it is called. */
export interface NewPart {
  readonly name: string;
  readonly operations: readonly Operation[];
}

/** A part under all others, in the keys and metres that they have. */
export function addPart(index: ScoreIndex, instrument: Instrument, part: string): NewPart {
  const { parts, measures } = index.view;
  const { abbreviation, clefs, transposition } = instrument;
  const name = freeName(index, instrument.name);
  const [staves, after] = [clefs.length, parts.at(-1) ?? null];
  const added = { op: "AddPart", part, name, abbreviation, transposition, staves, after } as const;
  const [first] = measures;
  if (!first) {
    return { name, operations: [added] };
  }
  const printed = clefs.map((value, at): Operation => {
    const scope = staves > 1 ? `${part}/${at + 1}` : part;
    return { op: "ChangeSetting", kind: "clef", measure: first.id, scope, value };
  });
  return { name, operations: [added, ...printed, ...likeOthers(index, instrument, part)] };
}

/** A part goes over the one above it, or under the one below; nothing at the ends. */
export function movePart({ view }: ScoreIndex, part: string, by: 1 | -1): Operation[] {
  const at = view.parts.indexOf(part);
  const to = at + by;
  if (at < 0 || to < 0 || to >= view.parts.length) {
    return [];
  }
  const after = view.parts[by > 0 ? to : to - 1] ?? null;
  return [{ op: "MovePart", part, after }];
}

/** A second violin is called so. */
function freeName(index: ScoreIndex, name: string): string {
  const taken = new Set(partsOf(index).map((each) => each.name));
  let number = 1;
  while (taken.has(number === 1 ? name : `${name} ${number}`)) {
    number += 1;
  }
  return number === 1 ? name : `${name} ${number}`;
}

/** Keys and metres that hold for others and not for all: for the new part as it reads them. */
function likeOthers(index: ScoreIndex, { clefs, transposition }: Instrument, part: string) {
  const [first] = index.view.measures;
  const start = { measure: first?.id ?? "", onset: ZERO_TIME };
  const pitched = index.view.parts.find((each) => !isPercussion(index, start, each));
  const other = pitched ?? index.view.parts[0];
  if (other === undefined) {
    return [];
  }
  const sounds = fifthsOf(asEntry(entryOf(index.facets, "parts", other)["transposition"]) ?? {});
  const shift = sounds - fifthsOf({ ...transposition });
  const isDrum = clefs[0]?.["sign"] === "percussion";
  const read = (key: Entry) => ({
    ...key,
    fifths: isDrum ? 0 : within(asNumber(key["fifths"], 0) + shift),
  });
  return [
    ...follow(index, "key", { fifths: 0 }, other, part, read),
    ...follow(index, "time", null, other, part, (time) => time),
  ];
}

/** What another part has of one kind, written for a new one wherever it would not have the same. */
function follow(
  index: ScoreIndex,
  kind: "key" | "time",
  usual: Entry | null,
  other: string,
  part: string,
  read: (value: Entry) => Entry,
): Operation[] {
  let held = usual;
  return index.view.measures.flatMap(({ id, settings }) => {
    const all = settings.filter((each) => each.startsWith(`${kind}|`));
    const places = all.map((key) => signPlace(index.facets, key, id));
    const onsets = [...new Set(places.map(({ at }) => at))].sort((a, b) =>
      compareTimes(onsetOf(a), onsetOf(b)),
    );
    return onsets.flatMap((at): Operation[] => {
      const here = places.filter((place) => place.at === at);
      held = here.findLast(({ scope }) => scope === "*")?.value ?? held;
      const theirs = here.findLast(({ scope }) => covers(scope, { part: other, within: 1 }));
      const wanted = theirs ? read(theirs.value) : held;
      if (wanted === null || isSame(wanted, held)) {
        return [];
      }
      held = wanted;
      const value = wanted as Fields;
      // What stands behind the end of a measure that became shorter holds from the next one.
      const [onset, end] = [onsetOf(at), index.length(id, other)];
      const place = compareTimes(onset, end) > 0 ? end : onset;
      const where = { measure: id, scope: part, at: timeOf(place) };
      return [{ op: "ChangeSetting", kind, value, ...where }];
    });
  });
}

function isSame(one: Entry, other: Entry | null): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other ?? {})]);
  return [...names].every((name) => JSON.stringify(one[name]) === JSON.stringify(other?.[name]));
}
