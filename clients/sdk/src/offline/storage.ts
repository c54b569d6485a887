/**
 * Where documents are kept on a device. A key has updates in the order in which they were appended;
 * several tabs may use one key at a time.
 */
export interface OfflineStorage {
  /** All updates of a key; none for one that was never written. */
  read(key: string): Promise<Uint8Array[]>;
  append(key: string, update: Uint8Array): Promise<void>;
  /** Puts one update in the place of those that are there: nothing that is appended meanwhile is lost. */
  compact(key: string, merge: (updates: Uint8Array[]) => Uint8Array): Promise<void>;
  /** Forgets a key. */
  clear(key: string): Promise<void>;
}
