/** What one shows of oneself. */
export interface Shown {
  readonly user?: { readonly name: string; readonly color: string };
  /** Ids of what is selected; `id` is the first, for pages that show one. */
  readonly selection?: { readonly id: string; readonly ids: readonly string[] } | null;
}

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
const COLORS = ["#b3261e", "#8a4b00", "#5b6400", "#00695c", "#0b57d0", "#6a3fb5", "#a1237e", "#37474f"];

/** The others by name. */
export function peopleOf(states: ReadonlyMap<number, unknown>, self: number): readonly Person[] {
  const people: Person[] = [];
  for (const [client, state] of states) {
    if (client === self || !isRecord(state) || people.length >= PEOPLE_MAX) {
      continue;
    }
    const user = isRecord(state["user"]) ? state["user"] : {};
    const selection = isRecord(state["selection"]) ? state["selection"] : {};
    const ids = Array.isArray(selection["ids"]) ? selection["ids"] : [selection["id"]];
    people.push({
      client,
      name: cleanName(user["name"]) || `Guest ${client % 1000}`,
      color: isColor(user["color"]) ? user["color"] : colorOf(client),
      selected: ids.filter((id) => typeof id === "string").slice(0, SELECTED_MAX),
    });
  }
  return people.sort((a, b) => a.name.localeCompare(b.name) || a.client - b.client);
}

export function colorOf(number: number): string {
  return COLORS[number % COLORS.length] ?? "#37474f";
}

/** A name without control characters and needless blanks, cut to a sensible length. */
export function cleanName(value: unknown): string {
  return typeof value === "string"
    ? Array.from(value.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim())
        .slice(0, NAME_CHARS_MAX)
        .join("")
    : "";
}

function isColor(value: unknown): value is string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
