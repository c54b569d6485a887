import type * as Y from "yjs";
import { type Path, pathOfType } from "./nodes.ts";

/** What one transaction changed in one shared type. */
export interface ChangedType {
  path: Path;
  /** The keys of a map or the attributes of an element; empty for a sequence. */
  keys: readonly string[];
  /** How many more keys changed than are named. */
  more: number;
}

/** One update, as the activity list tells it. */
export interface LogEntry {
  sequence: number;
  atMs: number;
  bytes: number;
  local: boolean;
  /** The client ids whose edits it brings; none when it only deletes. */
  clients: readonly number[];
  deletesOnly: boolean;
  types: readonly ChangedType[];
  /** How many more types changed than are named. */
  moreTypes: number;
}

const KEYS_NAMED_MAX = 4;
const TYPES_NAMED_MAX = 4;

/** Tells what a transaction did, from Yjs's own account of it. */
export function logEntryOf(
  transaction: Y.Transaction,
  update: Uint8Array,
  local: boolean,
  sequence: number,
  atMs: number,
): LogEntry {
  const clients: number[] = [];
  for (const [client, clock] of transaction.afterState) {
    if ((transaction.beforeState.get(client) ?? 0) < clock) clients.push(client);
  }
  const types: ChangedType[] = [];
  for (const [type, touched] of transaction.changed) {
    if (types.length === TYPES_NAMED_MAX) break;
    const path = pathOfType(transaction.doc, type);
    if (path === null) continue;
    const keys = Array.from(touched).filter((key) => key !== null);
    types.push({
      path,
      keys: keys.slice(0, KEYS_NAMED_MAX),
      more: Math.max(0, keys.length - KEYS_NAMED_MAX),
    });
  }
  return {
    sequence,
    atMs,
    bytes: update.length,
    local,
    clients,
    deletesOnly: clients.length === 0,
    types,
    moreTypes: Math.max(0, transaction.changed.size - types.length),
  };
}

/** The newest entries, bounded: an old one goes for each that comes. Newest first. */
export class ChangeLog {
  readonly #most: number;
  #entries: LogEntry[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Adds entries given oldest first; the list itself is replaced, never changed. */
  add(entries: readonly LogEntry[]): void {
    const newest = entries.slice(-this.#most).reverse();
    this.#entries = [...newest, ...this.#entries.slice(0, this.#most - newest.length)];
  }

  clear(): void {
    this.#entries = [];
  }
}

/** Paths of all entries that a transaction touched, for highlighting; at most `most` of them. */
export function touchedPaths(transaction: Y.Transaction, most: number): Path[] {
  const paths: Path[] = [];
  for (const [type, touched] of transaction.changed) {
    const path = pathOfType(transaction.doc, type);
    if (path === null) continue;
    for (const key of touched) {
      if (paths.length >= most) return paths;
      paths.push(key === null ? path : [...path, key]);
    }
  }
  return paths;
}
