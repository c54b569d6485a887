import type { View } from "bandpro-score";
import { useCallback, useEffect, useMemo, useSyncExternalStore } from "react";
import type { Thread } from "../comments/threads.ts";
import type { Connection } from "../link/link.ts";
import type { Saved } from "../link/saved.ts";
import type { Person, Shown } from "../presence.ts";
import type { OpenOptions, Score, Undoable } from "../score.ts";
import type { Store } from "../store.ts";
import { renewOptions, sharedScore } from "./shared.ts";

const NO_OPTIONS: OpenOptions = {};
const CONNECTING: Connection = { state: "connecting", attempt: 1 };
const OFFLINE: Saved = { state: "offline", unsaved: 0 };
const NOBODY: readonly Person[] = [];
const NO_THREADS: readonly Thread[] = [];
const NOTHING: Undoable = { canUndo: false, canRedo: false };

/**
 * A score, on one connection for all components that name the same one; null on the server and in
 * the first render. `token` and `onProblem` may be other functions in each render; the rest of the
 * options is that of whoever came first.
 */
export function useScore(
  url: string,
  room: string,
  options: OpenOptions = NO_OPTIONS,
): Score | null {
  // biome-ignore lint/correctness/useExhaustiveDependencies: options are renewed below.
  const shared = useMemo(() => sharedScore(url, room, options), [url, room]);
  useEffect(() => renewOptions(url, room, options));
  return useSyncExternalStore(shared.subscribe, shared.get, () => null);
}

/** The value of a store, anew with each change; `fallback` while there is none, and on the server. */
export function useStore<T, U>(store: Store<T> | null | undefined, fallback: U): T | U {
  const subscribe = useCallback(
    (listener: () => void) => store?.subscribe(listener) ?? (() => {}),
    [store],
  );
  const get = (): T | U => (store ? store.get() : fallback);
  return useSyncExternalStore(subscribe, get, () => fallback);
}

/** How the connection stands. */
export function useConnection(score: Score | null): Connection {
  return useStore(score?.connection, CONNECTING);
}

/** Where one's own edits are. */
export function useSaved(score: Score | null): Saved {
  return useStore(score?.saved, OFFLINE);
}

/** The score as it is shown. */
export function useView(score: Score | null): View | null {
  return useStore(score?.view, null);
}

/** Undo and redo of one's own edits. */
export function useHistory(score: Score | null): Undoable & { undo(): void; redo(): void } {
  const state = useStore(score?.history.state, NOTHING);
  return useMemo(
    () => ({ ...state, undo: () => score?.history.undo(), redo: () => score?.history.redo() }),
    [score, state],
  );
}

/** Who else is here, and the way to show them something. */
export function usePresence(score: Score | null): {
  people: readonly Person[];
  show(part: Shown): void;
} {
  const people = useStore(score?.presence.people, NOBODY);
  return useMemo(
    () => ({ people, show: (part: Shown) => score?.presence.show(part) }),
    [people, score],
  );
}

/** The threads of comments, live. */
export function useComments(score: Score | null): readonly Thread[] {
  return useStore(score?.comments.threads, NO_THREADS);
}
