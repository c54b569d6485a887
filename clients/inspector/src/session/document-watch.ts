import * as Y from "yjs";
import { ChangeLog, type LogEntry, logEntryOf, touchedPaths } from "../document/change-log.ts";
import { type Path, pathId, pathOfType, ROOT } from "../document/nodes.ts";
import { defineRootTypes } from "../document/root-types.ts";
import { SortedKeys } from "../document/sorted-keys.ts";

/** What happened to a document since the last picture. */
export interface WatchedChanges {
  /** Top-level types with the keys that changed in them, or null for "anything". */
  facets: ReadonlyMap<string, ReadonlySet<string> | null>;
  /** What others changed, with whom it came from, for highlighting. */
  remote: ReadonlyArray<{ path: Path; client: number | null }>;
  entries: readonly LogEntry[];
  /** True when rows of the tree may have come or gone; false when only values changed. */
  rows: boolean;
}

export interface Traffic {
  received: number;
  receivedBytes: number;
  made: number;
  madeBytes: number;
}

const LOG_ENTRIES_MAX = 200;
const HIGHLIGHTS_PER_FRAME_MAX = 400;

/** Follows a document's transactions and keeps the account that one picture shows. */
export class DocumentWatch {
  readonly log = new ChangeLog(LOG_ENTRIES_MAX);
  readonly keys = new SortedKeys();
  readonly traffic: Traffic = { received: 0, receivedBytes: 0, made: 0, madeBytes: 0 };
  readonly #doc: Y.Doc;
  readonly #isRemote: (origin: unknown) => boolean;
  readonly #unfolded: (id: string) => boolean;
  readonly #onChange: () => void;
  #sequence = 0;
  #facets = new Map<string, Set<string> | null>();
  #remote: Array<{ path: Path; client: number | null }> = [];
  #entries: LogEntry[] = [];
  #hasContent = false;
  #rows = false;

  /**
   * @param isRemote tells by its origin whether a transaction came over the network.
   * @param unfolded tells by its id whether an entry's JSON value is unfolded in the tree.
   */
  constructor(
    doc: Y.Doc,
    isRemote: (origin: unknown) => boolean,
    unfolded: (id: string) => boolean,
    onChange: () => void,
  ) {
    this.#doc = doc;
    this.#isRemote = isRemote;
    this.#unfolded = unfolded;
    this.#onChange = onChange;
    doc.on("afterTransaction", this.#noteKeys);
    doc.on("update", this.#noteUpdate);
  }

  /** Takes what has gathered; the next call starts from nothing. */
  take(): WatchedChanges {
    const taken = {
      facets: this.#facets,
      remote: this.#remote,
      entries: this.#entries,
      rows: this.#rows,
    };
    this.#rows = false;
    this.#facets = new Map();
    this.#remote = [];
    this.#entries = [];
    this.log.add(taken.entries);
    return taken;
  }

  end(): void {
    this.#doc.off("afterTransaction", this.#noteKeys);
    this.#doc.off("update", this.#noteUpdate);
  }

  readonly #noteKeys = (transaction: Y.Transaction): void => {
    if (defineRootTypes(this.#doc)) {
      // Kinds are known only now: whoever read these types as empty must read them anew.
      for (const name of this.#doc.share.keys()) this.#facets.set(name, null);
      this.#rows = true;
    }
    for (const [type, touched] of transaction.changed) {
      if (!(type instanceof Y.Map)) {
        this.#rows = true;
        continue;
      }
      const keys = new Set(Array.from(touched).filter((key) => key !== null));
      if (this.keys.changed(type, keys)) this.#rows = true;
      else if (!this.#rows) this.#rows = this.#isUnfolded(type, keys);
    }
  };

  readonly #noteUpdate = (
    update: Uint8Array,
    origin: unknown,
    _doc: Y.Doc,
    transaction: Y.Transaction,
  ): void => {
    const remote = this.#isRemote(origin);
    this.#count(remote, update.length);
    this.#sequence += 1;
    const entry = logEntryOf(transaction, update, !remote, this.#sequence, Date.now());
    this.#entries.push(entry);
    for (const path of touchedPaths(transaction, Number.POSITIVE_INFINITY)) this.#noteFacet(path);
    // The first content is the document itself, not a change to point at.
    if (remote && this.#hasContent) this.#noteRemote(transaction, entry.clients[0] ?? null);
    this.#hasContent = true;
    this.#onChange();
  };

  /** Whether one of these entries shows rows of its own, which a new value may change. */
  #isUnfolded(map: Y.Map<unknown>, keys: ReadonlySet<string>): boolean {
    const path = pathOfType(this.#doc, map);
    if (path === null) return true;
    for (const key of keys) if (this.#unfolded(pathId([...path, key]))) return true;
    return false;
  }

  #noteFacet(path: Path): void {
    const [name, key] = path;
    if (name === undefined) return;
    const keys = this.#facets.get(name);
    if (keys === null) return;
    if (key === undefined) this.#facets.set(name, null);
    else if (keys === undefined) this.#facets.set(name, new Set([key]));
    else keys.add(key);
  }

  #noteRemote(transaction: Y.Transaction, client: number | null): void {
    const room = HIGHLIGHTS_PER_FRAME_MAX - this.#remote.length;
    if (room <= 0) return;
    for (const path of touchedPaths(transaction, room)) {
      if (path !== ROOT) this.#remote.push({ path, client });
    }
  }

  #count(remote: boolean, bytes: number): void {
    if (remote) {
      this.traffic.received += 1;
      this.traffic.receivedBytes += bytes;
    } else {
      this.traffic.made += 1;
      this.traffic.madeBytes += bytes;
    }
  }
}
