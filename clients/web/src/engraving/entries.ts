import type { Facets } from "bandpro-score";

/** A value of the document, an object of whatever members. */
export type Entry = Readonly<Record<string, unknown>>;

const EMPTY: Entry = {};

/** Reads one entry, whichever kind of map the facet is; an empty object when there is none. */
export function entryOf(facets: Facets, facet: string, key: string): Entry {
  const map = facets[facet];
  if (typeof map !== "object" || map === null) {
    return EMPTY;
  }
  const value =
    "get" in map && typeof map.get === "function" ? map.get(key) : Reflect.get(map, key);
  return asEntry(value) ?? EMPTY;
}

/** The keys of a facet, whichever kind of map it is. */
export function keysOf(facets: Facets, facet: string): string[] {
  const map = facets[facet];
  if (typeof map !== "object" || map === null) {
    return [];
  }
  return "keys" in map && typeof map.keys === "function" ? [...map.keys()] : Object.keys(map);
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
