const FIRST_MS = 250;
const MOST_MS = 8000;

/**
 * How long to wait before the next try. Half of the span is drawn by lot, so that the clients of
 * a restarted server do not all come back in the same instant.
 *
 * @param attempt how many tries have failed in a row, 1 for the first.
 * @param leastMs what the close code asks for at least.
 * @param random a number from 0 up to 1.
 */
export function backoffMs(attempt: number, leastMs: number, random: number): number {
  const span = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.max(leastMs, Math.round(span / 2 + (span / 2) * random));
}
