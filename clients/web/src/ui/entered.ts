import type { WrittenPitch } from "bandpro-score";
import { spotOf } from "../editing/actions.ts";
import type { Foreseen } from "../editing/desk.ts";
import { height, middleOf, pitchOf } from "../editing/pitches.ts";
import type { ScoreIndex, Spot } from "../editing/score-index.ts";
import { gapId } from "../engraving/voice.ts";
import { drawnOf } from "./drawn.ts";
import { STEPS_IN_STAFF, staffLines } from "./pointing.ts";

/** Of a note's head, in steps of the staff. */
const HEAD = { width: 2.6, height: 2 } as const;
/** Of the layer that is scaled to it: see the style sheet. */
const HEAD_PX = { width: 26, height: 20 } as const;

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
    const anchor = drawnOf(box, id) ?? drawnOf(box, gapId(place, place.voice, place.onset));
    const row = anchor?.closest(".page");
    const rect = anchor && headOf(index, anchor, spotOf(place), pitch);
    if (!row || !rect) continue;
    const around = row.getBoundingClientRect();
    const head = document.createElement("div");
    head.className = "entered";
    head.style.width = `${rect.width}px`;
    head.style.height = `${rect.height}px`;
    head.style.left = `${rect.left - around.left}px`;
    head.style.top = `${rect.top - around.top}px`;
    row.append(head);
  }
}

/**
 * Shows where a note will be before it is written, which in a long score takes longer than a frame.
 * Only a layer of its own is moved, so that nothing is painted for it.
 *
 * @returns whether it is shown: what it stands at may not be drawn.
 */
export function showForeseen(box: HTMLElement, index: ScoreIndex, note: Foreseen): boolean {
  const head = box.querySelector<HTMLElement>(".foreseen");
  const anchor = drawnOf(box, note.at);
  const rect = anchor && headOf(index, anchor, note.spot, note.pitch);
  if (!head || !rect) return false;
  const around = box.getBoundingClientRect();
  const [across, down] = [rect.left - around.left, rect.top - around.top];
  const scale = [rect.width / HEAD_PX.width, rect.height / HEAD_PX.height];
  head.style.transform = `translate(${across}px, ${down}px) scale(${scale.join()})`;
  head.style.opacity = "1";
  return true;
}

export function hideForeseen(box: HTMLElement): void {
  const head = box.querySelector<HTMLElement>(".foreseen");
  if (head) head.style.opacity = "0";
}

/** Where the head of a note is, at the height of its pitch; null where no staff is drawn. */
function headOf(
  index: ScoreIndex,
  at: Element,
  spot: Spot,
  pitch: WrittenPitch,
): { left: number; top: number; width: number; height: number } | null {
  const anchor = at.querySelector(".notehead") ?? at;
  const lines = staffLines(anchor.closest(".staff"));
  if (!lines) return null;
  const steps = height(pitch) - middleOf(index, spot);
  const rect = anchor.getBoundingClientRect();
  const step = (lines.bottom - lines.top) / STEPS_IN_STAFF;
  const [across, down] = [(rect.left + rect.right) / 2, (lines.top + lines.bottom) / 2];
  return {
    left: across - (HEAD.width / 2) * step,
    top: down - (steps + HEAD.height / 2) * step,
    width: HEAD.width * step,
    height: HEAD.height * step,
  };
}
