import * as Y from "yjs";
import type { Json } from "./json-value.ts";
import { kindOf, type Path, resolve } from "./nodes.ts";
import type { Splice } from "./text-splice.ts";

/** The origin of every edit made by hand in this tab; undo takes back these and no others. */
export const BY_HAND = Symbol("by hand");

/** A new top-level type, or the first content of one. */
export type NewRootKind = "map" | "text" | "array";

/** What can be done with the entry at a path. */
export interface Abilities {
  setValue: boolean;
  remove: boolean;
  addEntry: "map" | "array" | null;
  editText: boolean;
}

/** Says which edits the entry at a path allows. JSON is replaced whole, at its entry. */
export function abilitiesAt(doc: Y.Doc, path: Path): Abilities {
  const node = resolve(doc, path);
  const kind = kindOf(node);
  const parent = path.length > 1 ? resolve(doc, path.slice(0, -1)) : undefined;
  const inShared = parent instanceof Y.Map || parent instanceof Y.Array;
  const plain = kind === "value" || kind === "object" || kind === "list";
  return {
    setValue: inShared && plain && node !== undefined && !(node instanceof Uint8Array),
    remove: inShared && node !== undefined,
    addEntry: kind === "map" ? "map" : kind === "array" ? "array" : null,
    editText: kind === "text",
  };
}

/** Replaces the plain value at a path; returns false when there is no such entry (any more). */
export function setValue(doc: Y.Doc, path: Path, value: Json): boolean {
  const key = path.at(-1);
  const parent = resolve(doc, path.slice(0, -1));
  if (key === undefined) return false;
  if (parent instanceof Y.Map) {
    if (sameJson(parent.get(key), value)) return true;
    doc.transact(() => parent.set(key, value), BY_HAND);
    return true;
  }
  if (parent instanceof Y.Array) {
    const index = Number(key);
    if (index >= parent.length) return false;
    if (sameJson(parent.get(index), value)) return true;
    doc.transact(() => {
      parent.delete(index, 1);
      parent.insert(index, [value]);
    }, BY_HAND);
    return true;
  }
  return false;
}

/** Adds an entry to a map. Refuses a key that is there: two people may mean different things. */
export function addEntry(doc: Y.Doc, path: Path, key: string, value: Json): boolean {
  const map = resolve(doc, path);
  if (!(map instanceof Y.Map) || map.has(key)) return false;
  doc.transact(() => map.set(key, value), BY_HAND);
  return true;
}

/** Adds a value at the end of an array; returns its index, or null when there is no such array. */
export function appendItem(doc: Y.Doc, path: Path, value: Json): number | null {
  const array = resolve(doc, path);
  if (!(array instanceof Y.Array)) return null;
  doc.transact(() => array.push([value]), BY_HAND);
  return array.length - 1;
}

/** Removes the entry at a path from its map or array. */
export function removeAt(doc: Y.Doc, path: Path): boolean {
  const key = path.at(-1);
  const parent = resolve(doc, path.slice(0, -1));
  if (key === undefined || path.length < 2) return false;
  if (parent instanceof Y.Map && parent.has(key)) {
    doc.transact(() => parent.delete(key), BY_HAND);
    return true;
  }
  if (parent instanceof Y.Array && Number(key) < parent.length) {
    doc.transact(() => parent.delete(Number(key), 1), BY_HAND);
    return true;
  }
  return false;
}

/** Applies one replacement to a text. */
export function spliceText(text: Y.Text, splice: Splice): void {
  const apply = (): void => {
    if (splice.removed > 0) text.delete(splice.index, splice.removed);
    if (splice.inserted !== "") text.insert(splice.index, splice.inserted);
  };
  if (text.doc === null) apply();
  else text.doc.transact(apply, BY_HAND);
}

/** Makes a top-level type with its first content, without which nobody else would see it. */
export function createRoot(doc: Y.Doc, kind: NewRootKind, name: string): void {
  doc.transact(() => {
    if (kind === "map") doc.getMap(name).set("first", "a value to change");
    else if (kind === "array") doc.getArray(name).push(["a first item"]);
    else doc.getText(name).insert(0, "Write here.\n");
  }, BY_HAND);
}

/** A text as a text area shows it: each embedded object holds one place, as it does in Yjs. */
export function plainTextOf(text: Y.Text): string {
  if (text.toString().length === text.length) return text.toString();
  const pieces: Array<{ insert?: unknown }> = text.toDelta();
  return pieces.map(({ insert }) => (typeof insert === "string" ? insert : EMBED_PLACE)).join("");
}

/** U+FFFC, the object replacement character. */
const EMBED_PLACE = "\uFFFC";

function sameJson(a: unknown, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
