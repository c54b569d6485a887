import * as buffer from "lib0/buffer";
import type { OfflineStorage } from "./storage.ts";

/** A store of texts by key: `AsyncStorage` of React Native, `localStorage`, and the like. */
export interface KeyValueStore {
  getItem(key: string): Promise<string | null> | string | null;
  setItem(key: string, value: string): Promise<unknown> | unknown;
  removeItem(key: string): Promise<unknown> | unknown;
}

const PREFIX = "bandpro/";

/** `first` to `end` (excluded) are the numbers of the updates that are there. */
interface Range {
  readonly first: number;
  readonly end: number;
}

/** Keeps documents in a store of texts, for one program at a time. */
export function keyValue(store: KeyValueStore): OfflineStorage {
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other: the store knows no transactions. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };
  const place = (key: string, number: number): string => `${PREFIX}${key}/${number}`;

  const rangeOf = async (key: string): Promise<Range> => {
    const [first, end] = ((await store.getItem(PREFIX + key)) ?? "0 0").split(" ").map(Number);
    return { first: first ?? 0, end: end ?? 0 };
  };
  const setRange = async (key: string, { first, end }: Range): Promise<void> => {
    await store.setItem(PREFIX + key, `${first} ${end}`);
  };
  const readAll = async (key: string, { first, end }: Range): Promise<Uint8Array[]> => {
    const found: Uint8Array[] = [];
    for (let number = first; number < end; number++) {
      const text = await store.getItem(place(key, number));
      if (text !== null) found.push(buffer.fromBase64(text));
    }
    return found;
  };
  const removeAll = async (key: string, { first, end }: Range): Promise<void> => {
    for (let number = first; number < end; number++) await store.removeItem(place(key, number));
  };
  const append = async (key: string, range: Range, update: Uint8Array): Promise<void> => {
    await store.setItem(place(key, range.end), buffer.toBase64(update));
    await setRange(key, { first: range.first, end: range.end + 1 });
  };

  return {
    read: (key) => inTurn(async () => readAll(key, await rangeOf(key))),
    append: (key, update) => inTurn(async () => append(key, await rangeOf(key), update)),
    compact: (key, merge) =>
      inTurn(async () => {
        const range = await rangeOf(key);
        const found = await readAll(key, range);
        if (found.length < 2) return;
        // Written whole before the others are forgotten: whoever is stopped between has both.
        await append(key, range, merge(found));
        await setRange(key, { first: range.end, end: range.end + 1 });
        await removeAll(key, range);
      }),
    clear: (key) =>
      inTurn(async () => {
        const range = await rangeOf(key);
        await store.removeItem(PREFIX + key);
        await removeAll(key, range);
      }),
  };
}
