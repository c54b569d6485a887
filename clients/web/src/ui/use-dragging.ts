import { type RefObject, useEffect } from "react";
import { writtenAs } from "../editing/actions.ts";
import type { Desk } from "../editing/desk.ts";
import { Ghost } from "./ghost.ts";
import { STEPS_IN_STAFF, staffLines } from "./pointing.ts";

/** In pixels: less than that is a click. */
const MOVED_PX = 4;

/** What is selected is taken up or down the scale with one of its notes: one edit, at the end. */
export function useDragging(box: RefObject<HTMLElement | null>, desk: Desk, isOn: boolean): void {
  useEffect(() => {
    const sheet = box.current;
    if (!isOn || !sheet) return;
    const ending = new AbortController();
    const take = (event: PointerEvent) => {
      const isMeant = event.button === 0 && event.pointerType !== "touch" && !event.shiftKey;
      const target = event.target instanceof Element ? event.target : null;
      const note = target?.closest<SVGElement>(".note.is-selected");
      if (isMeant && note) drag(sheet, desk, note, event, ending.signal);
    };
    sheet.addEventListener("pointerdown", take, { signal: ending.signal });
    return () => ending.abort();
  }, [box, desk, isOn]);
}

/** Follows the pointer with a note until it is let go, or Escape is pressed. */
function drag(
  sheet: HTMLElement,
  desk: Desk,
  note: SVGElement,
  { clientY, pointerId }: PointerEvent,
  signal: AbortSignal,
): void {
  const lines = staffLines(note.closest(".staff"));
  const place = desk.desktop.get().index.place(note.id);
  const value = place && writtenAs(place);
  if (!lines || !place) return;
  const step = (lines.bottom - lines.top) / STEPS_IN_STAFF;
  const head = (note.querySelector(".notehead") ?? note).getBoundingClientRect();
  const around = sheet.getBoundingClientRect();
  const [x, y] = [(head.left + head.right) / 2, (head.top + head.bottom) / 2];
  const from = Math.round(((lines.top + lines.bottom) / 2 - y) / step);
  let ghost: Ghost | null = null;
  let by = 0;
  let frame = 0;
  const ending = new AbortController();
  const draw = () => {
    frame = 0;
    ghost ??= new Ghost(sheet);
    ghost.show({
      ...{ x: x - around.left, y: y - by * step - around.top },
      ...{ step, steps: from + by, value: value ?? { quarters: 1, dots: 0 } },
    });
  };
  const end = () => {
    ending.abort();
    cancelAnimationFrame(frame);
    ghost?.end();
  };
  const follow = (event: PointerEvent) => {
    if (event.pointerId !== pointerId) return;
    // Let go where nobody told: in another window.
    if (event.buttons === 0) return end();
    const moved = clientY - event.clientY;
    if (!ghost && Math.abs(moved) < MOVED_PX) return;
    by = Math.round(moved / step);
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const drop = () => {
    const hasMoved = ghost !== null || frame !== 0;
    end();
    if (hasMoved) withoutClick();
    // What is selected may be something else by now, or gone.
    const { selected } = desk.desktop.get();
    const isHeld = selected.some(({ id, events }) => id === note.id || events.includes(note.id));
    if (by !== 0 && isHeld) desk.run({ do: "move", by });
  };
  const options = { signal: AbortSignal.any([signal, ending.signal]), capture: true };
  addEventListener("pointermove", follow, options);
  addEventListener("pointerup", drop, options);
  addEventListener("pointercancel", end, options);
  const leave = () => {
    end();
    addEventListener("pointerup", withoutClick, { capture: true, once: true });
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    // What is selected stays so.
    event.stopPropagation();
    leave();
  };
  addEventListener("keydown", press, options);
  // Nothing stays when the score is left, or notes are written where one points.
  signal.addEventListener("abort", leave, { signal: ending.signal });
}

/** The click that ends it selects nothing else. */
function withoutClick(): void {
  const ending = new AbortController();
  const stop = (event: Event) => event.stopPropagation();
  addEventListener("click", stop, { capture: true, signal: ending.signal });
  setTimeout(() => ending.abort());
}
