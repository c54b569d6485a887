import * as Y from "yjs";
import { type ClockRanges, reachOf, subtract } from "./clock-ranges.ts";

interface UnsavedUpdate {
  bytes: Uint8Array;
  inserted: ClockRanges;
  deleted: ClockRanges;
}

interface SentBatch {
  bytes: Uint8Array;
  updates: ReadonlySet<UnsavedUpdate>;
}

/**
 * Knows which edits of this tab the server has not yet confirmed.
 *
 * The server repeats an update to its sender only after the bytes are durable. An update from
 * the socket therefore confirms edits of ours when it can only be such a repetition: its bytes
 * are those of a frame that we sent, or it inserts nothing of any other client. Anything else
 * may be the relayed edit of somebody who has seen ours, which says nothing about the disk.
 */
export class SavedTracker {
  readonly #client: number;
  #unsaved: UnsavedUpdate[] = [];
  #sent: SentBatch[] = [];

  constructor(client: number) {
    this.#client = client;
  }

  /** How many edits of this tab are not confirmed. */
  get unsavedCount(): number {
    return this.#unsaved.length;
  }

  /** Notes an edit made in this tab. */
  recordLocal(update: Uint8Array): void {
    this.#unsaved.push({ bytes: update, ...reachOf(update) });
  }

  /** Notes that all that is unsaved was sent in one update: as an answer to a state vector. */
  recordSentWhole(update: Uint8Array): void {
    if (this.#unsaved.length === 0) return;
    this.#sent.push({ bytes: update, updates: new Set(this.#unsaved) });
  }

  /** Takes an update that came over the socket; returns how many edits it confirmed. */
  acknowledge(update: Uint8Array): number {
    const before = this.#unsaved.length;
    if (before === 0) return 0;
    if (!this.#acknowledgeExact(update)) this.#acknowledgeReach(update);
    if (this.#unsaved.length === 0) this.#sent = [];
    return before - this.#unsaved.length;
  }

  /**
   * Everything unsaved, to be sent once more, in as few updates as fit.
   *
   * The server confirms updates, not the answers to its state vector; an update that it has
   * already costs it nothing, and is confirmed like any other when all before it is durable.
   *
   * @param bytesMax how large a merged update may grow; a single larger one goes as it is.
   */
  takeBatches(bytesMax: number): Uint8Array[] {
    const batches: Uint8Array[] = [];
    let group: UnsavedUpdate[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (group.length === 0) return;
      const merged = Y.mergeUpdates(group.map((entry) => entry.bytes));
      this.#sent.push({ bytes: merged, updates: new Set(group) });
      batches.push(merged);
      group = [];
      bytes = 0;
    };
    for (const entry of this.#unsaved) {
      if (bytes + entry.bytes.length > bytesMax) flush();
      group.push(entry);
      bytes += entry.bytes.length;
    }
    flush();
    return batches;
  }

  /** Forgets what was sent over a connection that is gone; the edits stay unsaved. */
  connectionLost(): void {
    this.#sent = [];
  }

  #acknowledgeExact(update: Uint8Array): boolean {
    const index = this.#unsaved.findIndex((entry) => sameBytes(entry.bytes, update));
    if (index >= 0) {
      this.#unsaved.splice(index, 1);
      return true;
    }
    const batch = this.#sent.find((entry) => sameBytes(entry.bytes, update));
    if (batch === undefined) return false;
    this.#sent = this.#sent.filter((entry) => entry !== batch);
    this.#unsaved = this.#unsaved.filter((entry) => !batch.updates.has(entry));
    return true;
  }

  #acknowledgeReach(update: Uint8Array): void {
    const reach = reachOf(update);
    for (const client of reach.inserted.keys()) if (client !== this.#client) return;
    this.#unsaved = this.#unsaved.filter((entry) => {
      entry.inserted = subtract(entry.inserted, reach.inserted);
      entry.deleted = subtract(entry.deleted, reach.deleted);
      return entry.inserted.size > 0 || entry.deleted.size > 0;
    });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
