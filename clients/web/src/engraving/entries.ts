import type { Facets } from "bandpro-score";

/** A value of the document, an object of whatever members. */
export type Entry = Readonly<Record<string, unknown>>;

const EMPTY: Entry = {};

/** Reads one value, whichever kind of map the facet is. */
export function valueIn(facets: Facets, facet: string, key: string): unknown {
  const map = facets[facet];
  if (typeof map !== "object" || map === null) {
    return undefined;
  }
  return "get" in map && typeof map.get === "function" ? map.get(key) : Reflect.get(map, key);
}

/** Reads one entry; an empty object when there is none. */
export function entryOf(facets: Facets, facet: string, key: string): Entry {
  return asEntry(valueIn(facets, facet, key)) ?? EMPTY;
}

export function asEntry(value: unknown): Entry | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Entry)
    : null;
}

export function asNumber(value: unknown, usual: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : usual;
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function asTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
