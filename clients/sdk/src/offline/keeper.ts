import * as Y from "yjs";
import { ScoreError, wordsOf } from "../errors.ts";
import type { OfflineStorage } from "./storage.ts";

const APPENDS_MAX = 200;

/** Keeps one document on the device: what comes while a write is under way is the next write. */
export class Keeper {
  readonly #storage: OfflineStorage;
  readonly #key: string;
  readonly #report: (problem: unknown) => void;
  #waiting: Uint8Array[] = [];
  #appends = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(storage: OfflineStorage, key: string, report: (problem: unknown) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#report = report;
  }

  /** Brings what is kept into a document; a device that fails is reported, and nothing is there. */
  async load(doc: Y.Doc): Promise<void> {
    await this.#guarded("could not be read", async () => {
      const updates = await this.#storage.read(this.#key);
      this.#appends = updates.length;
      if (updates.length > 0) Y.applyUpdate(doc, Y.mergeUpdates(updates), this);
    });
  }

  /** Keeps one more update. */
  add(update: Uint8Array): void {
    this.#waiting.push(update);
    if (this.#waiting.length > 1) return;
    this.#then("could not be kept", async () => {
      const batch = this.#waiting;
      this.#waiting = [];
      if (batch.length === 0) return;
      await this.#storage.append(this.#key, Y.mergeUpdates(batch));
      this.#appends += 1;
      if (this.#appends < APPENDS_MAX) return;
      await this.#storage.compact(this.#key, Y.mergeUpdates);
      this.#appends = 1;
    });
  }

  /** Forgets the document. */
  clear(): Promise<void> {
    this.#waiting = [];
    this.#then("could not be forgotten", async () => {
      await this.#storage.clear(this.#key);
      this.#appends = 0;
    });
    return this.#work;
  }

  #then(words: string, work: () => Promise<void>): void {
    this.#work = this.#work.then(() => this.#guarded(words, work));
  }

  async #guarded(words: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = `The score ${words} on this device: ${wordsOf(error)}`;
      this.#report(new ScoreError("storage", message, error));
    }
  }
}
