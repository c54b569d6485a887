import * as Y from "yjs";
import { isPlainObject } from "./json-value.ts";

/** From the document to a node: the name of a top-level type, then keys and indices. */
export type Path = readonly string[];

/** What a node of the document is, in one word. */
export type NodeKind =
  | "map"
  | "array"
  | "text"
  | "xml"
  | "document"
  | "unknown"
  | "object"
  | "list"
  | "value";

export const ROOT: Path = [];

const SEPARATOR = "\u0000";

export function pathId(path: Path): string {
  return path.join(SEPARATOR);
}

export function pathOfId(id: string): Path {
  return id === "" ? ROOT : id.split(SEPARATOR);
}

export function kindOf(node: unknown): NodeKind {
  if (node instanceof Y.Map) return "map";
  if (node instanceof Y.Text) return "text";
  if (node instanceof Y.Array) return "array";
  if (node instanceof Y.XmlFragment) return "xml";
  if (node instanceof Y.Doc) return "document";
  if (node instanceof Y.AbstractType) return "unknown";
  if (Array.isArray(node)) return "list";
  return isPlainObject(node) ? "object" : "value";
}

/** The word by which a person knows the kind. */
export function kindName(kind: NodeKind, node: unknown): string {
  if (kind === "map") return "Map";
  if (kind === "array") return "Array";
  if (kind === "text") return node instanceof Y.XmlText ? "XmlText" : "Text";
  if (kind === "xml") return node instanceof Y.XmlElement ? `<${node.nodeName}>` : "Xml";
  if (kind === "document") return "Subdocument";
  if (kind === "unknown") return "Not yet known";
  if (kind === "object") return "object";
  if (kind === "list") return "list";
  return scalarName(node);
}

function scalarName(node: unknown): string {
  if (node === null) return "null";
  if (node instanceof Uint8Array) return "bytes";
  return typeof node;
}

/** True for what has children of its own in the tree. */
export function isContainer(kind: NodeKind): boolean {
  return (
    kind === "map" || kind === "array" || kind === "xml" || kind === "object" || kind === "list"
  );
}

/** True for what can be unfolded in the tree: a container with something in it. */
export function isExpandable(node: unknown): boolean {
  if (node instanceof Y.Map) return hasEntries(node);
  const kind = kindOf(node);
  return isContainer(kind) && sizeOf(node, kind) > 0;
}

/** Whether a map holds anything; `size` would count every entry. */
export function hasEntries(map: Y.Map<unknown>): boolean {
  return map.keys().next().done !== true;
}

/** How many children a container has; for a text, how many characters. */
export function sizeOf(node: unknown, kind: NodeKind): number {
  if (node instanceof Y.Map) return node.size;
  if (node instanceof Y.Text || node instanceof Y.Array || node instanceof Y.XmlFragment) {
    return node.length;
  }
  if (kind === "list") return (node as unknown[]).length;
  if (kind === "object") return Object.keys(node as object).length;
  return 0;
}

/** The child of a container under a key or index; undefined when there is none (any more). */
export function childOf(node: unknown, key: string): unknown {
  if (node instanceof Y.Map) return node.get(key);
  if (node instanceof Y.Array || node instanceof Y.XmlFragment) return node.get(Number(key));
  if (Array.isArray(node)) return node[Number(key)];
  return isPlainObject(node) ? node[key] : undefined;
}

/** Follows a path from the document; undefined when it leads nowhere (any more). */
export function resolve(doc: Y.Doc, path: Path): unknown {
  const [name, ...keys] = path;
  if (name === undefined) return undefined;
  let node: unknown = doc.share.get(name);
  for (const key of keys) {
    if (node === undefined) return undefined;
    node = childOf(node, key);
  }
  return node;
}

/** The path of a shared type, or null when it is no longer part of the document. */
export function pathOfType(doc: Y.Doc, type: object): Path | null {
  if (!(type instanceof Y.AbstractType)) return null;
  const path: string[] = [];
  let current = type;
  for (let item = current._item; item !== null; item = current._item) {
    const parent = item.parent;
    if (!(parent instanceof Y.AbstractType)) return null;
    path.unshift(item.parentSub ?? String(indexOf(parent, current)));
    current = parent;
  }
  for (const [name, root] of doc.share) {
    // A top-level type that got its kind is another object, but keeps the table of its entries.
    if (root === current || root._map === current._map) return [name, ...path];
  }
  return null;
}

function indexOf(parent: Y.AbstractType<unknown>, child: unknown): number {
  if (parent instanceof Y.Array || parent instanceof Y.XmlFragment) {
    return parent.toArray().indexOf(child as never);
  }
  return 0;
}
