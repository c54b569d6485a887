import type { Score } from "bandpro-sdk";
import { useEffect, useMemo } from "react";
import { asText, valueIn } from "../engraving/entries.ts";
import { useStore } from "../session/store.ts";

/** The title of a score as it is now; empty for one that has none. */
export function titleOf(score: Score): string {
  return asText(valueIn(score.facets, "meta", "title")).trim();
}

/** Follows the title of a score, whoever writes it. */
export function useTitle(score: Score): string {
  const store = useMemo(
    () => ({
      get: () => titleOf(score),
      subscribe: (listener: () => void) => score.revision.subscribe(listener),
    }),
    [score],
  );
  return useStore(store);
}

/** Has the window, and what lists windows, say what is open in it. */
export function useWindowTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "BandPro" : `${title} – BandPro`;
  }, [title]);
}
