import { normalise } from "bandpro-score";
import type { Score, Version } from "bandpro-sdk";
import { useCallback, useMemo, useState } from "react";
import { ScoreWriter, type Writing } from "../engraving/writer.ts";
import { type Differences, differencesIn, idsOf } from "../session/comparison.ts";

interface Compared {
  readonly version: Version;
  readonly differences: Differences;
  /** The score as it was. */
  readonly before: Writing;
}

/** The score beside one of its versions. */
export interface Comparison {
  readonly compared: Compared | null;
  /** Whether the page shows the version, and not the score as it is. */
  readonly isBefore: boolean;
  /** Classes of what differs on the page that is shown, with ids. */
  readonly marks: Readonly<Record<string, readonly string[]>>;
  readonly begin: (version: Version) => Promise<void>;
  readonly show: (isBefore: boolean) => void;
  readonly end: () => void;
}

const NO_MARKS = {};

export function useComparison(score: Score): Comparison {
  const [compared, setCompared] = useState<Compared | null>(null);
  const [isBefore, show] = useState(false);
  const begin = useCallback(
    async (version: Version) => {
      // The server compares what is on its disk.
      await score.whenSaved();
      const [answer, facets] = await Promise.all([
        score.versions.compare(version.id, { view: "score" }),
        score.versions.facets(version.id),
      ]);
      const before = new ScoreWriter().write(normalise(facets), facets);
      setCompared({ version, differences: differencesIn(answer), before });
      show(false);
    },
    [score],
  );
  const end = useCallback(() => {
    setCompared(null);
    show(false);
  }, []);
  const marks = useMemo(() => {
    if (!compared) return NO_MARKS;
    const { differences } = compared;
    const here = isBefore ? "removed" : "added";
    return {
      [`is-${here}`]: idsOf(differences, here),
      "is-changed": idsOf(differences, "changed"),
    };
  }, [compared, isBefore]);
  return { compared, isBefore, marks, begin, show, end };
}
