import type { Score, Person as Shown } from "bandpro-sdk";
import { useMemo } from "react";
import { useStore } from "./store.ts";

/** Somebody else in the room, as their page tells of itself; nothing of it is to be trusted. */
export interface Person {
  readonly client: number;
  readonly name: string;
  readonly color: string;
  readonly selected: readonly string[];
}

const NAME_CHARS_MAX = 40;
const PEOPLE_MAX = 200;
const SELECTED_MAX = 200;
// Dark enough for white letters on them.
const COLORS = [
  "#b3261e",
  "#8a4b00",
  "#5b6400",
  "#00695c",
  "#0b57d0",
  "#6a3fb5",
  "#a1237e",
  "#37474f",
];

/** The others by name. */
export function usePeople(score: Score): readonly Person[] {
  const shown = useStore(score.presence.people);
  return useMemo(() => peopleOf(shown), [shown]);
}

function peopleOf(shown: readonly Shown[]): readonly Person[] {
  const people = shown.slice(0, PEOPLE_MAX).map(({ clientId, name, color, selection }) => ({
    client: clientId,
    name: cleanName(name) || `Guest ${clientId % 1000}`,
    color: isColor(color) ? color : colorOf(clientId),
    selected: idsOf(selection).slice(0, SELECTED_MAX),
  }));
  return people.sort((a, b) => a.name.localeCompare(b.name) || a.client - b.client);
}

/** Ids of what is selected; other pages name one element in an object. */
function idsOf(selection: unknown): readonly string[] {
  const ids = Array.isArray(selection)
    ? selection
    : typeof selection === "object" && selection !== null
      ? [Reflect.get(selection, "id")]
      : [];
  return ids.filter((id) => typeof id === "string");
}

export function colorOf(number: number): string {
  return COLORS[number % COLORS.length] ?? "#37474f";
}

/** A name without control characters and needless blanks, cut to a sensible length. */
function cleanName(value: string): string {
  const clean = value.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
  return Array.from(clean).slice(0, NAME_CHARS_MAX).join("");
}

function isColor(value: string): boolean {
  return /^#[0-9a-f]{6}$/i.test(value);
}
