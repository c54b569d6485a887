import { entriesOf, type Facets } from "bandpro-score";
import { asEntry, asText, type Entry } from "./entries.ts";
import { element, escaped } from "./xml.ts";

/** The syllables of a score by the event that sings them. */
export type Syllables = ReadonlyMap<string, readonly (readonly [verse: string, value: Entry])[]>;

const POSITIONS: ReadonlyMap<string, string> = new Map([
  ["begin", "i"],
  ["middle", "m"],
  ["end", "t"],
]);

export function syllablesOf(facets: Facets): Syllables {
  const found = new Map<string, [string, Entry][]>();
  for (const [key, value] of entriesOf(facets["ly"])) {
    const at = key.indexOf("|");
    const event = key.slice(0, at);
    const held = found.get(event) ?? [];
    held.push([key.slice(at + 1), asEntry(value) ?? {}]);
    found.set(event, held);
  }
  return found;
}

/** How many letters the longest syllable of a note has. */
export function lettersUnder(event: string, syllables: Syllables): number {
  const texts = (syllables.get(event) ?? []).map(([, value]) => asText(value["text"]).length);
  return Math.max(0, ...texts);
}

/** The verses of notes that are sung together; numbers for names that are none, in their order. */
export function verseElements(events: readonly string[], syllables: Syllables): string {
  const sung = events.flatMap((id) => syllables.get(id) ?? []);
  return sung
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([verse, value], index) => {
      const syllabic = asText(value["syllabic"]);
      const isOpen = syllabic === "begin" || syllabic === "middle";
      const attributes = {
        wordpos: POSITIONS.get(syllabic) ?? null,
        con: isOpen ? "d" : value["extend"] === true ? "u" : null,
      };
      const number = /^[1-9][0-9]?$/.test(verse) ? verse : index + 1;
      const syllable = element("syl", attributes, escaped(asText(value["text"])));
      return element("verse", { n: number }, syllable);
    })
    .join("");
}
