import type { Target } from "./shapes.ts";

/** What was touched: the target that holds the place, or the one that is nearest to it. */
export function nearest(targets: readonly Target[], x: number, y: number): Target | null {
  let found: Target | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const dx = Math.max(target.x - x, 0, x - target.x - target.width);
    const dy = Math.max(target.y - y, 0, y - target.y - target.height);
    // Of two that hold it, the one whose middle is nearer.
    const off = Math.hypot(x - target.x - target.width / 2, y - target.y - target.height / 2);
    const distance = Math.hypot(dx, dy) + off / 1_000;
    if (distance < least) [found, least] = [target, distance];
  }
  return found;
}
