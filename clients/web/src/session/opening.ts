import { indexedDb, openScore, type Score } from "bandpro-sdk";
import { type FirstPictures, firstPictures } from "./first-pictures.ts";
import { Cell, type Store } from "./store.ts";
import { copyKey, tokenGiver } from "./token.ts";

/** A score that is open in this tab. */
export interface Opened {
  readonly score: Score;
  /** Whether what is written is kept in this browser, beyond the tab. */
  readonly isKept: Store<boolean>;
  /** Null where nothing is kept. */
  readonly pictures: FirstPictures | null;
  readonly close: () => void;
}

const GONE: ReadonlySet<string> = new Set(["forbidden", "not-found"]);

/** Opened before there was anybody to take it. */
let ahead: { readonly room: string; readonly opened: Opened } | null = null;

/** Opens the score that the page was asked for: it comes while the page gets ready to show it. */
export function openAhead(room: string): void {
  ahead = room === "" ? null : { room, opened: opened(room) };
}

/** Opens a score, and keeps a copy of it in this browser for whoever the token names. */
export function openKept(room: string): Opened {
  const found = ahead;
  ahead = null;
  if (found?.room === room) return found.opened;
  found?.opened.close();
  return opened(room);
}

function opened(room: string): Opened {
  const key = copyKey(room);
  const isKept = new Cell(key !== null);
  const pictures = key === null ? null : firstPictures(key);
  const score = openScore(location.origin, room, {
    token: tokenGiver(),
    ...(key === null ? { offline: null } : { offline: indexedDb(), offlineKey: key }),
    onProblem: ({ code }) => {
      if (code === "storage") isKept.set(false);
    },
  });
  // Whoever may not read it any more has no copy of it either.
  const endings = [
    score.connection.subscribe(() => {
      const connection = score.connection.get();
      if (connection.state === "denied" && GONE.has(connection.remedy)) {
        void score.forget();
        void pictures?.end();
      }
    }),
    // Nor has anybody of what was erased.
    score.replaced.subscribe(() => void pictures?.clear()),
  ];
  // Whoever leaves with unsaved edits is asked.
  const ask = (event: BeforeUnloadEvent) => {
    if (score.saved.get().unsaved > 0) event.preventDefault();
  };
  addEventListener("beforeunload", ask);
  const close = () => {
    removeEventListener("beforeunload", ask);
    for (const end of endings) end();
    score.close();
  };
  return { score, isKept, pictures, close };
}
