import { type OpenOptions, openScore, type Score } from "../score.ts";
import type { Store } from "../store.ts";

const LINGER_MS = 1_000;

/** One score for all components that use it, for as long as one does. */
interface Entry {
  score: Score | null;
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
  const key = `${url} ${room}`;
  return {
    get: () => entries.get(key)?.score ?? null,
    // It is there from the first subscriber on, and React looks again after subscribing.
    subscribe: () => {
      const entry = entries.get(key) ?? begin(key, options);
      clearTimeout(entry.timer);
      entry.users += 1;
      entry.score ??= openScore(url, room, latest(entry));
      return () => {
        entry.users -= 1;
        if (entry.users === 0) entry.timer = setTimeout(() => end(key, entry), LINGER_MS);
      };
    },
  };
}

/** The token function of the latest render is the one that is asked. */
export function renewOptions(url: string, room: string, options: OpenOptions): void {
  const entry = entries.get(`${url} ${room}`);
  if (entry !== undefined) entry.options = options;
}

function begin(key: string, options: OpenOptions): Entry {
  const entry: Entry = { score: null, options, users: 0, timer: undefined };
  entries.set(key, entry);
  return entry;
}

function end(key: string, entry: Entry): void {
  entry.score?.close();
  entries.delete(key);
}

function latest(entry: Entry): OpenOptions {
  const { token } = entry.options;
  return {
    ...entry.options,
    token: token && (() => entry.options.token?.() ?? token()),
    onProblem: (problem) => entry.options.onProblem?.(problem),
  };
}
