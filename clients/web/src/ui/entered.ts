import { spotOf } from "../editing/actions.ts";
import { height, middleOf, pitchOf } from "../editing/pitches.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { gapId } from "../engraving/voice.ts";
import { drawnOf } from "./drawn.ts";

const LINES_IN_STAFF = 5;
/** From the lowest line to the highest. */
const STEPS_IN_STAFF = 8;
/** Of a note's head, in steps of the staff. */
const HEAD = { width: 2.6, height: 2 } as const;

/**
 * Shows where notes are that were just entered, on the older picture, until they are engraved.
 *
 * @param isBehind whether the picture of a measure is older than the score.
 */
export function showEntered(
  box: HTMLElement,
  index: ScoreIndex,
  entered: readonly string[],
  isBehind: (measure: string) => boolean,
): void {
  for (const old of box.querySelectorAll(".entered")) old.remove();
  for (const id of entered) {
    const place = index.place(id);
    const pitch = pitchOf(index.facets, id);
    if (!place || !pitch || !isBehind(place.measure)) continue;
    // A note that was there, or the empty time that it was written into.
    const anchor =
      drawnOf(box, id)?.querySelector(".notehead") ??
      drawnOf(box, gapId(place, place.voice, place.onset));
    const lines = anchor ? staffOf(anchor) : null;
    const row = anchor?.closest(".page");
    if (!anchor || !lines || !row) continue;
    const steps = height(pitch) - middleOf(index, spotOf(place));
    const [around, rect] = [row.getBoundingClientRect(), anchor.getBoundingClientRect()];
    const step = (lines.bottom - lines.top) / STEPS_IN_STAFF;
    const head = document.createElement("div");
    head.className = "entered";
    head.style.width = `${HEAD.width * step}px`;
    head.style.height = `${HEAD.height * step}px`;
    head.style.left = `${(rect.left + rect.right) / 2 - around.left}px`;
    head.style.top = `${(lines.top + lines.bottom) / 2 - steps * step - around.top}px`;
    row.append(head);
  }
}

/** The highest and the lowest line of the staff on which something is drawn. */
function staffOf(element: Element): { top: number; bottom: number } | null {
  const lines = [...(element.closest(".staff")?.querySelectorAll(":scope > path") ?? [])];
  const tops = lines.slice(0, LINES_IN_STAFF).map((line) => line.getBoundingClientRect().top);
  return tops.length < LINES_IN_STAFF
    ? null
    : { top: Math.min(...tops), bottom: Math.max(...tops) };
}
