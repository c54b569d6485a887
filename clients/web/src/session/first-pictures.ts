import { indexedDb, type OfflineStorage } from "bandpro-sdk";
import type { Drawn } from "../engraving/pictures.ts";
import { forgetDrawn, noteDrawn } from "./drawn-scores.ts";

/** Names the engraver that drew: another one may draw otherwise. */
const ENGRAVER = String(process.env["ENGRAVER"]);

/** The first rows of a score as they were drawn last in this browser. */
export interface FirstPictures {
  /** What was kept; nothing where that fails. */
  readonly read: Promise<readonly Drawn[]>;
  write(drawn: readonly Drawn[]): Promise<void>;
  clear(): Promise<void>;
  /** Clears, and keeps nothing from then on. */
  end(): Promise<void>;
}

/** @param key of the score's copy in this browser. */
export function firstPictures(
  key: string,
  storage: OfflineStorage = indexedDb("bandpro-pictures"),
): FirstPictures {
  let hasEnded = false;
  const clear = async () => {
    forgetDrawn(key);
    await storage.clear(key).catch(() => undefined);
  };
  return {
    clear,
    read: read(storage, key),
    async write(drawn) {
      if (hasEnded) return;
      const text = JSON.stringify({ engraver: ENGRAVER, drawn });
      try {
        await storage.append(key, new TextEncoder().encode(text));
        await storage.compact(key, (all) => all.at(-1) ?? new Uint8Array());
        for (const former of noteDrawn(key)) await storage.clear(former);
      } catch {
        // They are drawn anew next time.
      }
    },
    end() {
      hasEnded = true;
      return clear();
    },
  };
}

async function read(storage: OfflineStorage, key: string): Promise<readonly Drawn[]> {
  try {
    const bytes = (await storage.read(key)).at(-1);
    const { engraver, drawn } = JSON.parse(new TextDecoder().decode(bytes));
    return engraver === ENGRAVER && Array.isArray(drawn) ? drawn : [];
  } catch {
    return [];
  }
}
