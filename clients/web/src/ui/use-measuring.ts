import type { View } from "bandpro-score";
import type { Score } from "bandpro-sdk";
import { useCallback, useEffect, useRef, useState } from "react";
import { type Measured, Measuring } from "../session/measuring.ts";
import { keep, kept } from "./kept.ts";

/** Whether the page may report how it does, and what measures it; null until that is known. */
export interface MayMeasure {
  readonly isOn: boolean;
  readonly measuring: Measuring | null;
  readonly allow: (isOn: boolean) => void;
}

/**
 * Measures as far as whoever is here allowed it, in this browser; nobody did before they were asked.
 *
 * @param turn another one when another person may have signed in.
 */
export function useMeasuring(turn: number): MayMeasure {
  const [isOn, setOn] = useState(false);
  const [measuring, setMeasuring] = useState<Measuring | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: reports are of whoever is signed in
  useEffect(() => {
    const isAllowed = kept("measuring") === "yes";
    const made = new Measuring(location.origin, isAllowed);
    setOn(isAllowed);
    setMeasuring(made);
    return () => made.close();
  }, [turn]);
  const allow = useCallback(
    (next: boolean) => {
      keep("measuring", next ? "yes" : "no");
      measuring?.allow(next);
      setOn(next);
    },
    [measuring],
  );
  return { isOn, measuring, allow };
}

/** Measures a score while it is open; gives what is to be told when all in sight is drawn of a view. */
export function useMeasured(measuring: Measuring | null, score: Score): (view: View) => void {
  const measured = useRef<Measured | null>(null);
  useEffect(() => {
    const made = measuring?.watch(score) ?? null;
    measured.current = made;
    return () => made?.end();
  }, [measuring, score]);
  return useCallback((view) => measured.current?.drawn(view), []);
}
