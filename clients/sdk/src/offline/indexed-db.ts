import type { OfflineStorage } from "./storage.ts";

const UPDATES = "updates";
const BY_KEY = "by-key";

interface Row {
  readonly key: string;
  readonly update: Uint8Array;
}

/**
 * Keeps documents in the IndexedDB of a browser, or of Electron.
 *
 * @param name of the database.
 */
export function indexedDb(name = "bandpro"): OfflineStorage {
  let opened: Promise<IDBDatabase> | null = null;
  const database = (): Promise<IDBDatabase> => {
    opened ??= open(name, () => {
      opened = null;
    }).catch((error: unknown) => {
      opened = null;
      throw error;
    });
    return opened;
  };

  /** One transaction, which is durable when this resolves. */
  const run = async <T>(
    mode: IDBTransactionMode,
    work: (rows: IDBObjectStore, give: (value: T) => void) => void,
  ): Promise<T | undefined> => {
    const transaction = (await database()).transaction(UPDATES, mode);
    let given: T | undefined;
    work(transaction.objectStore(UPDATES), (value) => {
      given = value;
    });
    await settled(transaction);
    return given;
  };

  const updatesOf = (rows: IDBObjectStore, key: string, give: (found: Uint8Array[]) => void) => {
    const asked: IDBRequest<Row[]> = rows.index(BY_KEY).getAll(key);
    asked.onsuccess = () => give(asked.result.map((row) => row.update));
  };

  const drop = (rows: IDBObjectStore, key: string, then: () => void) => {
    const cursor = rows.index(BY_KEY).openKeyCursor(key);
    cursor.onsuccess = () => {
      if (cursor.result === null) return then();
      rows.delete(cursor.result.primaryKey);
      cursor.result.continue();
    };
  };

  return {
    read: async (key) =>
      (await run<Uint8Array[]>("readonly", (rows, give) => updatesOf(rows, key, give))) ?? [],
    append: async (key, update) => {
      await run("readwrite", (rows) => void rows.add({ key, update }));
    },
    compact: async (key, merge) => {
      await run("readwrite", (rows) =>
        updatesOf(rows, key, (found) => {
          if (found.length < 2) return;
          const update = merge(found);
          drop(rows, key, () => void rows.add({ key, update }));
        }),
      );
    },
    clear: async (key) => {
      await run("readwrite", (rows) => drop(rows, key, () => {}));
    },
  };
}

function open(name: string, closed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => {
      const rows = asked.result.createObjectStore(UPDATES, { autoIncrement: true });
      rows.createIndex(BY_KEY, "key");
    };
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("another tab holds an older database"));
    asked.onsuccess = () => {
      const database = asked.result;
      database.onclose = closed;
      database.onversionchange = () => {
        database.close();
        closed();
      };
      resolve(database);
    };
  });
}

function settled(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    transaction.onerror = () => reject(transaction.error);
  });
}
