import * as Y from "yjs";
import { isPlainObject, previewOf } from "./json-value.ts";
import { isExpandable, kindOf, type NodeKind, type Path, pathId, sizeOf } from "./nodes.ts";
import type { SortedKeys } from "./sorted-keys.ts";

/** One line of the tree. What it shows of its value is read when it is drawn, not here. */
export interface TreeRow {
  id: string;
  path: Path;
  label: string;
  depth: number;
  kind: NodeKind;
  expandable: boolean;
  expanded: boolean;
  /** Its place among its siblings, from 1, and how many they are. */
  position: number;
  siblings: number;
  /** While filtering: how many entries below it match; null when no filter is set. */
  matches: number | null;
}

const XML_PREVIEW_CHARS = 160;

/** Lists the children of a container as pairs of key and node. */
export function childrenOf(node: unknown, keys: SortedKeys): Array<[key: string, child: unknown]> {
  if (node instanceof Y.Map) return keys.of(node).map((key) => [key, node.get(key)]);
  if (node instanceof Y.Array || node instanceof Y.XmlFragment) {
    return node.toArray().map((child: unknown, index: number) => [String(index), child]);
  }
  if (Array.isArray(node)) return node.map((child, index) => [String(index), child]);
  if (isPlainObject(node)) return Object.entries(node);
  return [];
}

/** The top-level types in the order in which the tree shows them. */
export function rootsOf(
  doc: Y.Doc,
  order: (a: string, b: string) => number,
): Array<[name: string, type: unknown]> {
  return Array.from(doc.share.entries())
    .filter(([, type]) => !isVacant(type))
    .sort(([a], [b]) => order(a, b));
}

/** The rows to show when `expanded` holds the ids of the open containers. */
export function rowsOf(
  roots: ReadonlyArray<[string, unknown]>,
  expanded: ReadonlySet<string>,
  keys: SortedKeys,
): TreeRow[] {
  const rows: TreeRow[] = [];
  addRows(rows, roots, [], expanded, keys);
  return rows;
}

function addRows(
  rows: TreeRow[],
  children: ReadonlyArray<[string, unknown]>,
  parent: Path,
  expanded: ReadonlySet<string>,
  keys: SortedKeys,
): void {
  children.forEach(([label, node], index) => {
    const path = [...parent, label];
    const id = pathId(path);
    const kind = kindOf(node);
    const expandable = isExpandable(node);
    const open = expandable && expanded.has(id);
    rows.push({
      id,
      path,
      label,
      depth: parent.length,
      kind,
      expandable,
      expanded: open,
      position: index + 1,
      siblings: children.length,
      matches: null,
    });
    if (open) addRows(rows, childrenOf(node, keys), path, expanded, keys);
  });
}

/**
 * The rows that match a filter, each under its open ancestors. A row matches when its path and
 * value together hold every word of the filter; JSON values are matched whole, at their entry.
 */
export function filteredRows(
  roots: ReadonlyArray<[string, unknown]>,
  filter: string,
  keys: SortedKeys,
): TreeRow[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const rows: TreeRow[] = [];
  for (const [index, root] of roots.entries()) {
    addMatches(rows, root, index + 1, roots.length, [], words, keys);
  }
  return rows;
}

function addMatches(
  rows: TreeRow[],
  [label, node]: [string, unknown],
  position: number,
  siblings: number,
  parent: Path,
  words: readonly string[],
  keys: SortedKeys,
): number {
  const path = [...parent, label];
  const kind = kindOf(node);
  const shared = kind === "map" || kind === "array" || kind === "xml";
  const matches = matchesWords(words, path, shared ? "" : searchText(node, kind));
  const row: TreeRow = {
    id: pathId(path),
    path,
    label,
    depth: parent.length,
    kind,
    expandable: shared && isExpandable(node),
    expanded: false,
    position,
    siblings,
    matches: matches ? 1 : 0,
  };
  const place = rows.push(row);
  if (shared) {
    // A container that matches by its name shows all that is in it.
    const inner = matches ? [] : words;
    const children = childrenOf(node, keys);
    let below = 0;
    children.forEach((child, index) => {
      below += addMatches(rows, child, index + 1, children.length, path, inner, keys);
    });
    row.matches = below;
    row.expanded = below > 0;
    if (below === 0 && !matches) rows.length = place - 1;
    return matches ? Math.max(1, below) : below;
  }
  if (!matches) rows.length = place - 1;
  return matches ? 1 : 0;
}

function matchesWords(words: readonly string[], path: Path, value: string): boolean {
  if (words.length === 0) return true;
  const haystack = `${path.join("/")} ${value}`.toLowerCase();
  return words.every((word) => haystack.includes(word));
}

function searchText(node: unknown, kind: NodeKind): string {
  if (node instanceof Y.Text) return node.toString();
  if (kind === "unknown" || kind === "document" || node instanceof Uint8Array) return "";
  return JSON.stringify(node) ?? "";
}

/** What a row shows of its value, on one line. */
export function summaryOf(node: unknown, kind: NodeKind, size = sizeOf(node, kind)): string {
  if (kind === "map") return counted(size, "entry", "entries");
  if (kind === "array") return counted(size, "item", "items");
  if (node instanceof Y.Text) return previewOf(node.toString().slice(0, XML_PREVIEW_CHARS + 1));
  if (kind === "xml") return counted(size, "child", "children");
  if (kind === "unknown") return "its kind shows with its first content";
  if (kind === "document") return "a document of its own";
  return previewOf(node);
}

export function counted(count: number, one: string, many: string): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** A type that was named but holds nothing and tells no kind yet is not worth a row. */
function isVacant(type: unknown): boolean {
  return (
    type instanceof Y.AbstractType &&
    type.constructor === Y.AbstractType &&
    type._map.size === 0 &&
    type._start === null
  );
}
