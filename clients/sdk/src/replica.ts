import {
  apply,
  type Changes,
  EditRefused,
  type Facets,
  type Operation,
  planAll,
} from "bandpro-score";
import * as Y from "yjs";
import { newId } from "./ids.ts";

const FACETS = [
  ...["meta", "parts", "measures", "ev", "pt", "nx"],
  ...["sp", "dir", "ly", "attr", "lay", "raw"],
];

/**
 * How much one edit writes at most, as JSON: that is longer than the update, and a server takes one
 * of 1 MiB. It would close the connection over a longer one, and again whenever it comes.
 */
const EDIT_BYTES_MAX = 1_000_000;
const utf8 = new TextEncoder();

/** A Chinese character is three bytes of an update, as it is here. */
function bytesOf(written: unknown): number {
  return utf8.encode(JSON.stringify(written)).length;
}

/** Who makes edits here: what one's own undo is about. */
const OWN = "bandpro-sdk";

/** What undo has to put back where the library cannot: see `Replica.#back`. */
const PUT_BACK = "bandpro-sdk-put-back";
const FORMER = "former";

/** An entry as it was before a step; undefined where there was none. */
type Former = readonly [facet: string, key: string, value: unknown];

/** What a transaction changed. */
export interface ScoreChange {
  /** Keys of entries that were set or deleted, by facet. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  /** Made here, by an edit, undo or redo. */
  readonly isLocal: boolean;
  /** When an edit of one's own was asked for, by `performance.now()`; null for any other change. */
  readonly askedMs: number | null;
  /** The document was begun anew: everything may be different. */
  readonly isReplaced: boolean;
}

export interface ReplicaEvents {
  changed(change: ScoreChange): void;
  /** An update: of one's own (`isLocal`), or of `origin`. */
  updated(update: Uint8Array, isLocal: boolean, origin: unknown): void;
  historyChanged(): void;
}

/** The twelve maps of a score's document. */
export function facetsOf(doc: Y.Doc): Facets {
  return Object.fromEntries(FACETS.map((name) => [name, doc.getMap(name)]));
}

/** One document of a score in memory: edited by operations, with an undo of its own edits. */
export class Replica {
  readonly doc = new Y.Doc();
  readonly facets: Facets;
  readonly #undo: Y.UndoManager;
  readonly #events: ReplicaEvents;
  #askedMs: number | null = null;

  constructor(events: ReplicaEvents) {
    this.#events = events;
    this.facets = facetsOf(this.doc);
    const maps = FACETS.map((name) => this.doc.getMap(name));
    this.#undo = new Y.UndoManager(maps, { trackedOrigins: new Set([OWN]), captureTimeout: 0 });
    for (const event of ["stack-item-added", "stack-item-popped", "stack-cleared"] as const) {
      this.#undo.on(event, () => events.historyChanged());
    }
    this.doc.on("update", (update: Uint8Array, origin: unknown, _doc: Y.Doc, by: Y.Transaction) =>
      events.updated(update, by.local, origin),
    );
    this.doc.on("afterTransaction", (transaction: Y.Transaction) => this.#tell(transaction));
  }

  get canUndo(): boolean {
    return this.#undo.canUndo();
  }

  get canRedo(): boolean {
    return this.#undo.canRedo();
  }

  /**
   * Makes operations, each in the score as those before it leave it, in one transaction or not at all.
   *
   * @throws EditRefused for what the score does not allow, and for what is too much for one edit.
   */
  edit(operations: readonly Operation[]): Changes {
    return this.#timed(() => {
      const changes = planAll(this.facets, operations, newId);
      const former = this.#read([...changes.sets, ...changes.deletes]);
      // Undo writes what is gone, or was otherwise.
      if (bytesOf(changes) > EDIT_BYTES_MAX || bytesOf(former) > EDIT_BYTES_MAX) {
        throw new EditRefused("out-of-range", "That is more than one edit writes.");
      }
      if (changes.sets.length > 0 || changes.deletes.length > 0) {
        this.doc.transact(() => apply((facet) => this.doc.getMap(facet), changes), OWN);
        this.#undo.undoStack.at(-1)?.meta.set(FORMER, former);
      }
      return changes;
    });
  }

  undo(): boolean {
    return this.#timed(() => this.#back("undo", "undoStack", "redoStack"));
  }

  redo(): boolean {
    return this.#timed(() => this.#back("redo", "redoStack", "undoStack"));
  }

  /**
   * Undo and redo delete what the step wrote, and bring back what it wrote over, unless somebody
   * else wrote the same entry: so of an entry that both wrote at once nothing would be left, and
   * of a measure not even its place. It is put back as it was before the step.
   */
  #back(way: "undo" | "redo", from: "undoStack" | "redoStack", to: typeof from): boolean {
    const steps = [...this.#undo[from]];
    const now = this.#read(formerOf(steps.at(-1)));
    let changed: Y.Transaction["changed"] | undefined;
    const take = (transaction: Y.Transaction): void => {
      changed ??= transaction.changed; // others may write when they hear of it
    };
    this.doc.on("afterTransaction", take);
    const isDone = this.#undo[way]() !== null;
    this.doc.off("afterTransaction", take);
    if (isDone) {
      this.#undo[to].at(-1)?.meta.set(FORMER, now);
    }
    const lost = steps
      .slice(this.#undo[from].length)
      .reverse()
      .flatMap(formerOf)
      .filter(([facet, key, value]) => {
        const map = this.doc.getMap(facet);
        return value !== undefined && !map.has(key) && changed?.get(map as never)?.has(key);
      });
    if (lost.length > 0) {
      this.doc.transact(() => {
        for (const [facet, key, value] of lost) this.doc.getMap(facet).set(key, value);
      }, PUT_BACK);
    }
    return isDone;
  }

  #read(places: readonly (readonly [facet: string, key: string, ...rest: unknown[]])[]): Former[] {
    return places.map(([facet, key]) => [facet, key, this.doc.getMap(facet).get(key)]);
  }

  destroy(): void {
    this.#undo.destroy();
    this.doc.destroy();
  }

  #timed<T>(work: () => T): T {
    this.#askedMs = performance.now();
    try {
      return work();
    } finally {
      this.#askedMs = null;
    }
  }

  #tell({ changed, local }: Y.Transaction): void {
    const keys = new Map<string, Set<string>>();
    for (const name of FACETS) {
      const found = changed.get(this.doc.getMap(name) as never);
      if (found === undefined) continue;
      keys.set(name, new Set([...found].filter((key) => key !== null)));
    }
    if (keys.size === 0) return;
    this.#events.changed({ keys, isLocal: local, askedMs: this.#askedMs, isReplaced: false });
  }
}

function formerOf(step: { readonly meta: Map<unknown, unknown> } | undefined): readonly Former[] {
  return (step?.meta.get(FORMER) as readonly Former[] | undefined) ?? [];
}
