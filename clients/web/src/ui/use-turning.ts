import { type RefObject, useEffect, useState } from "react";
import type { ScoreIndex } from "../editing/score-index.ts";
import { turnBy } from "./turning.ts";
import { onOwnWay } from "./use-following.ts";
import type { Hearing } from "./use-playing.ts";

/**
 * Turns to the row that is played when it is not in sight, until one goes one's own way: then not
 * again before the next playing.
 *
 * @param isFree whether the page follows nobody else.
 */
export function useTurning(
  { notes, isOn }: Hearing,
  index: ScoreIndex,
  surface: RefObject<HTMLElement | null>,
  isFree: boolean,
): void {
  const [isAway, setAway] = useState(false);
  // The note that began last: others may be held from the row before.
  const note = notes.at(-1);
  const measure = note === undefined ? undefined : index.place(note)?.measure;
  const mayTurn = isOn && isFree && !isAway;

  useEffect(() => {
    if (!isOn) return;
    setAway(false);
    return onOwnWay(surface.current, () => setAway(true));
  }, [isOn, surface]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: edits meanwhile turn no page
  useEffect(() => {
    const row = mayTurn && measure !== undefined ? rowWith(surface.current, index, measure) : null;
    if (row) turnTo(row);
  }, [surface, measure, mayTurn]);
}

/** The row that a measure is in, drawn or not: each is known by its first measure. */
function rowWith(box: HTMLElement | null, index: ScoreIndex, measure: string): Element | null {
  const at = index.measureIndex(measure);
  const rows = [...(box?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
  const isUpTo = (first: number) => first >= 0 && first <= at;
  return rows.findLast((row) => isUpTo(index.measureIndex(row.dataset["row"] ?? ""))) ?? null;
}

function turnTo(row: Element): void {
  // Bars that stay at the window's edges lie over the rows.
  const palette = document.querySelector(".palette");
  const stays = palette !== null && getComputedStyle(palette).position === "sticky";
  const above = stays ? palette.getBoundingClientRect().height : 0;
  const below = document.querySelector(".selection")?.getBoundingClientRect().height ?? 0;
  const by = turnBy(row.getBoundingClientRect(), { top: above, bottom: innerHeight - below });
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (by !== 0) scrollBy({ top: by, behavior: isCalm ? "instant" : "smooth" });
}
