import { type OpenOptions, openScore, type Score } from "../score.ts";
import type { Store } from "../store.ts";

const LINGER_MS = 1_000;

/** One score for all components that use it, for as long as one does. */
interface Entry {
  readonly score: Score;
  options: OpenOptions;
  users: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

const entries = new Map<string, Entry>();

/**
 * The score of a room, opened with the first subscriber and closed a moment after the last one is
 * gone: effects that run twice, and modules that are reloaded, find it open.
 */
export function sharedScore(url: string, room: string, options: OpenOptions): Store<Score | null> {
  const key = keyOf(url, room);
  return {
    get: () => entries.get(key)?.score ?? null,
    // It is there from the first subscriber on, and React looks again after subscribing.
    subscribe: () => {
      const entry = entries.get(key) ?? begin(url, room, options);
      clearTimeout(entry.timer);
      entry.users += 1;
      return () => {
        entry.users -= 1;
        if (entry.users === 0) entry.timer = setTimeout(() => end(key, entry), LINGER_MS);
      };
    },
  };
}

/** The functions of the latest render are those that are called. */
export function renewOptions(url: string, room: string, options: OpenOptions): void {
  const entry = entries.get(keyOf(url, room));
  if (entry !== undefined) entry.options = options;
}

function keyOf(url: string, room: string): string {
  return `${url} ${room}`;
}

function begin(url: string, room: string, options: OpenOptions): Entry {
  const { token } = options;
  const score = openScore(url, room, {
    ...options,
    token: token && (() => entry.options.token?.() ?? token()),
    onProblem: (problem) => entry.options.onProblem?.(problem),
  });
  const entry: Entry = { score, options, users: 0, timer: undefined };
  entries.set(keyOf(url, room), entry);
  return entry;
}

function end(key: string, entry: Entry): void {
  entry.score.close();
  entries.delete(key);
}
