import type { ScoreEvent } from "../model.ts";
import { timeText } from "../rational.ts";
import { type Draft, EditRefused } from "./draft.ts";
import type { Articulate, Json } from "./operations.ts";
import { cellOf, eventsIn, isNote } from "./places.ts";

/** Changes `nx` alone; a chord has each mark once, whichever of its notes has it. */
export function articulate(draft: Draft, operation: Articulate): void {
  const { add = [], remove = [], fermata = null } = operation;
  const named = operation.events.map((key) => draft.event(key));
  for (const event of named) {
    requireBearer(draft, event, add.length > 0);
  }
  for (const chord of chordsOf(draft, named)) {
    changeArticulations(draft, chord, add, remove);
    if (fermata !== null) {
      changeFermata(draft, chord, fermata);
    }
  }
}

/** Refuses articulations for what does not sound, and all marks for what is not drawn. */
function requireBearer(draft: Draft, { id, isSpace }: ScoreEvent, isForNotes: boolean): void {
  const pitch = draft.get("pt", id);
  if (isSpace || pitch === null || (isForNotes && "rest" in pitch)) {
    throw new EditRefused("wrong-kind", "That is no note.", id);
  }
}

/** The notes of each chord of which one was named, by id; a rest is by itself. */
function chordsOf(draft: Draft, named: readonly ScoreEvent[]): readonly (readonly string[])[] {
  const together = new Map<string, string[]>();
  for (const inside of eventsIn(draft, named.map(cellOf)).values()) {
    for (const event of inside) {
      if (!event.isSpace && isNote(draft, event.id)) {
        const stem = stemOf(event);
        together.set(stem, [...(together.get(stem) ?? []), event.id]);
      }
    }
  }
  const chords = named.map((event) =>
    isNote(draft, event.id) ? (together.get(stemOf(event)) ?? [event.id]) : [event.id],
  );
  return [...new Set(chords)];
}

/** What the notes of a chord have in common. */
function stemOf(event: ScoreEvent): string {
  const lasting = event.grace === null ? timeText(event.duration) : null;
  return JSON.stringify([
    ...[cellOf(event), event.voice],
    ...[timeText(event.onset), lasting, event.grace],
  ]);
}

function changeArticulations(
  draft: Draft,
  chord: readonly string[],
  add: readonly string[],
  remove: readonly string[],
): void {
  const kept = chord.map((key) => heldBy(draft, key).filter((each) => !remove.includes(each)));
  const present = new Set(kept.flat());
  kept[0]?.push(...add.filter((each) => !present.has(each)));
  for (const [at, key] of chord.entries()) {
    const names = kept[at] ?? [];
    if (names.join() !== heldBy(draft, key).join()) {
      put(draft, key, "articulations", names.length > 0 ? names : null);
    }
  }
}

function changeFermata(draft: Draft, chord: readonly string[], form: string): void {
  const held = chord.filter((key) => "fermata" in (draft.get("nx", key) ?? {}));
  if (form === "none") {
    for (const key of held) {
      put(draft, key, "fermata", null);
    }
    return;
  }
  for (const key of held.length > 0 ? held : chord.slice(0, 1)) {
    put(draft, key, "fermata", form);
  }
}

function heldBy(draft: Draft, key: string): string[] {
  const names = draft.get("nx", key)?.["articulations"];
  return Array.isArray(names) ? names.filter((each) => typeof each === "string") : [];
}

/** Sets one field of a notation; without any there is none. */
function put(draft: Draft, key: string, name: string, value: Json): void {
  const { [name]: _former, ...others } = draft.get("nx", key) ?? {};
  if (value !== null) {
    draft.put("nx", key, { ...others, [name]: value });
  } else if (Object.keys(others).length > 0) {
    draft.put("nx", key, others);
  } else {
    draft.drop("nx", key);
  }
}
