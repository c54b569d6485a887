import { fallbackColor, isColor } from "./colors.ts";

/** Somebody in the room, as their tab tells of itself; nothing of it is to be trusted. */
export interface Person {
  client: number;
  name: string;
  color: string;
  self: boolean;
  /** The element of the score that they have selected. */
  selectionId: string | null;
  /** The place in the tree where they are, as the id of a row. */
  rowId: string | null;
}

const NAME_CHARS_MAX = 40;
const ID_CHARS_MAX = 512;
export const PEOPLE_MAX = 500;

/** Reads the states of awareness; one's own comes first, the others follow by name. */
export function peopleOf(states: ReadonlyMap<number, unknown>, self: number): Person[] {
  const people: Person[] = [];
  for (const [client, state] of states) {
    if (people.length === PEOPLE_MAX) break;
    const person = personOf(client, state, client === self);
    if (person !== null) people.push(person);
  }
  return people.sort(
    (a, b) => Number(b.self) - Number(a.self) || compare(a.name, b.name) || a.client - b.client,
  );
}

function personOf(client: number, state: unknown, self: boolean): Person | null {
  if (!isRecord(state)) return null;
  const user = isRecord(state["user"]) ? state["user"] : {};
  const selection = isRecord(state["selection"]) ? state["selection"] : {};
  const focus = isRecord(state["focus"]) ? state["focus"] : {};
  return {
    client,
    name: cleanName(user["name"]) ?? `Guest ${client % 1000}`,
    color: isColor(user["color"]) ? user["color"] : fallbackColor(client),
    self,
    selectionId: bounded(selection["id"]),
    rowId: bounded(focus["row"]),
  };
}

/** A name without control characters and needless blanks, cut to a sensible length. */
export function cleanName(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const name = value
    .slice(0, 4 * NAME_CHARS_MAX)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim();
  return name === "" ? null : Array.from(name).slice(0, NAME_CHARS_MAX).join("");
}

/** One or two letters to stand for a name. */
export function initialsOf(name: string): string {
  const words = name.split(/[\s\-_.]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => Array.from(word ?? "")[0] ?? "")
    .join("")
    .toUpperCase();
}

function bounded(value: unknown): string | null {
  return typeof value === "string" && value.length <= ID_CHARS_MAX ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
