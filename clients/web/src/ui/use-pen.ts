import { toNumber } from "bandpro-score";
import { type MouseEvent as Click, type RefObject, useEffect, useMemo } from "react";
import { durationOf } from "../editing/actions.ts";
import type { Desk } from "../editing/desk.ts";
import { momentsIn } from "../editing/pen.ts";
import { middleOf } from "../editing/pitches.ts";
import type { Spot } from "../editing/score-index.ts";
import { Ghost, type Ghostly } from "./ghost.ts";
import { acrossIn, pointOf, staffAt, staffOf, stepOf } from "./pointing.ts";

/** Where a click writes. */
interface Target {
  readonly spot: Spot;
  /** In steps of the scale above C0. */
  readonly height: number;
  readonly ghost: Ghostly;
}

/** How far over or under a staff notes are written by pointing, in steps. */
const REACH_STEPS = 12;

/** Notes by pointing, while that is on: what follows the pointer is drawn without React. */
export function usePen(
  box: RefObject<HTMLElement | null>,
  desk: Desk,
  isOn: boolean,
): (event: Click) => void {
  useEffect(
    () => (isOn && box.current ? following(box.current, desk) : undefined),
    [box, desk, isOn],
  );
  return useMemo(
    () => (event) => {
      const target = box.current && targetOf(box.current, desk, event.nativeEvent);
      if (target) desk.enter(target.spot, target.height, event.shiftKey);
    },
    [box, desk],
  );
}

/** Shows where a note would be, once a frame at most. */
function following(box: HTMLElement, desk: Desk): () => void {
  const ghost = new Ghost(box);
  let frame = 0;
  let newest: PointerEvent | null = null;
  const draw = () => {
    frame = 0;
    const target = newest && targetOf(box, desk, newest);
    if (target) ghost.show(target.ghost);
    else ghost.hide();
  };
  const follow = (event: PointerEvent | null) => {
    newest = event;
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const ending = new AbortController();
  const { signal } = ending;
  // A finger hides what is under it, and writes at once.
  const move = (event: PointerEvent) => follow(event.pointerType === "touch" ? null : event);
  box.addEventListener("pointermove", move, { signal });
  box.addEventListener("pointerleave", () => follow(null), { signal });
  // Another length, or a note that was just written.
  const unsubscribe = desk.desktop.subscribe(() => newest && follow(newest));
  return () => {
    ending.abort();
    unsubscribe();
    cancelAnimationFrame(frame);
    ghost.end();
  };
}

function targetOf(box: HTMLElement, desk: Desk, event: MouseEvent): Target | null {
  const { index, selected, value } = desk.desktop.get();
  const pointed = pointOf(event);
  const drawn = pointed && staffAt(pointed, REACH_STEPS);
  const staff = drawn && staffOf(index, drawn);
  if (!pointed || !drawn || !staff) return null;
  const [cursor] = selected;
  const isBeside = cursor?.part === staff.part && cursor.staff === staff.staff;
  const voice = isBeside ? cursor.voice : (index.voicesOf(staff)[0] ?? 1);
  const line = { ...staff, voice, measure: drawn.measure };
  const across = acrossIn(pointed.row, index, drawn);
  const moments = momentsIn(index, line, value).map((onset) => {
    const x = across(toNumber(onset));
    return { onset, x, distance: Math.abs(x - pointed.x) };
  });
  const [first] = moments;
  if (!first || durationOf(value).numerator <= 0n) return null;
  const { onset, x } = moments.reduce((best, each) =>
    each.distance < best.distance ? each : best,
  );
  const spot = { ...line, onset };
  const step = stepOf(drawn);
  const middle = (drawn.top + drawn.bottom) / 2;
  const steps = Math.round((middle - pointed.y) / step);
  const [around, row] = [box.getBoundingClientRect(), pointed.row.getBoundingClientRect()];
  const y = row.top - around.top + middle - steps * step;
  const ghost = { x: row.left - around.left + x, y, step, steps, value };
  return { spot, height: middleOf(index, spot) + steps, ghost };
}
