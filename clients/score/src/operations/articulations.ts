import { readEvent, type ScoreEvent } from "../model.ts";
import { timeText } from "../rational.ts";
import { type Draft, EditRefused } from "./draft.ts";
import type { Articulate, Json } from "./operations.ts";
import { cellOf, eventsIn, isNote } from "./places.ts";
import { isSound } from "./rules.ts";

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

/** Has what is left of chords say what those of their notes said that go. */
export function passMarksOn(draft: Draft, gone: ReadonlySet<string>): void {
  const marked = [...gone].flatMap((key) => {
    const value = draft.get("nx", key) ?? {};
    const isMarked = isNote(draft, key) && ("articulations" in value || "fermata" in value);
    return (isMarked && readEvent(key, draft.get("ev", key) ?? {})) || [];
  });
  for (const chord of marked.length > 0 ? chordsOf(draft, marked) : []) {
    const left = chord.filter((key) => !gone.has(key));
    takeOver(
      draft,
      left,
      chord.filter((key) => gone.has(key)),
    );
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

/** Gives the first note that is left the marks that none of them has. */
function takeOver(draft: Draft, left: readonly string[], gone: readonly string[]): void {
  const [taker] = left;
  if (taker === undefined) {
    return;
  }
  const present = new Set(left.flatMap((key) => heldBy(draft, key)));
  const names = new Set(gone.flatMap((key) => heldBy(draft, key)));
  const added = [...names].filter((each) => !present.has(each));
  const form = gone.map((key) => fermataOf(draft, key)).find((each) => each !== null);
  const isHeld = left.some((key) => fermataOf(draft, key) !== null);
  const value = {
    ...draft.get("nx", taker),
    ...(added.length > 0 ? { articulations: [...heldBy(draft, taker), ...added] } : {}),
    ...(form !== undefined && !isHeld ? { fermata: form } : {}),
  };
  // What nobody can read keeps nobody from deleting.
  if (Object.keys(value).length > 0 && isSound("nx", taker, value)) {
    draft.put("nx", taker, value);
  }
}

function fermataOf(draft: Draft, key: string): Json {
  return draft.get("nx", key)?.["fermata"] ?? null;
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
