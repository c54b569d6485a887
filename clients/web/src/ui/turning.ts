/** Where something is, or how much of the window is free, in pixels from the window's upper edge. */
export interface Span {
  readonly top: number;
  readonly bottom: number;
}

/** In pixels: so much off is where it should be. */
const SLACK = 2;

/** How far to scroll for a row that is played now: to have it all in sight, with what follows; 0 to stay. */
export function turnBy(row: Span, free: Span): number {
  const isSeen = row.top >= free.top - SLACK && row.bottom <= free.bottom + SLACK;
  const by = row.top - free.top;
  return isSeen || Math.abs(by) <= SLACK ? 0 : by;
}
