import * as Y from "yjs";

/** Half-open span of clocks: from `start` up to, not including, `end`. */
export type Span = readonly [start: number, end: number];

/** For each client id, disjoint spans of its clocks in rising order. */
export type ClockRanges = ReadonlyMap<number, readonly Span[]>;

/** What an update brings: which clocks it inserts, and which it deletes. */
export interface UpdateReach {
  inserted: ClockRanges;
  deleted: ClockRanges;
}

/** Reads which clocks an update inserts and deletes; gaps (Skip) count as neither. */
export function reachOf(update: Uint8Array): UpdateReach {
  const { structs, ds } = Y.decodeUpdate(update);
  const inserted = new Map<number, Span[]>();
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue;
    push(inserted, struct.id.client, struct.id.clock, struct.length);
  }
  const deleted = new Map<number, Span[]>();
  for (const [client, items] of ds.clients) {
    for (const item of items) push(deleted, client, item.clock, item.len);
  }
  return { inserted: normalised(inserted), deleted: normalised(deleted) };
}

/** What is left of `ranges` when `taken` is removed from it. */
export function subtract(ranges: ClockRanges, taken: ClockRanges): ClockRanges {
  const rest = new Map<number, readonly Span[]>();
  for (const [client, spans] of ranges) {
    const cut = taken.get(client);
    const left = cut === undefined ? spans : subtractSpans(spans, cut);
    if (left.length > 0) rest.set(client, left);
  }
  return rest;
}

function subtractSpans(spans: readonly Span[], cuts: readonly Span[]): Span[] {
  const left: Span[] = [];
  for (const [start, end] of spans) {
    let from = start;
    for (const [cutStart, cutEnd] of cuts) {
      if (cutEnd <= from) continue;
      if (cutStart >= end) break;
      if (cutStart > from) left.push([from, cutStart]);
      from = Math.max(from, cutEnd);
    }
    if (from < end) left.push([from, end]);
  }
  return left;
}

function push(into: Map<number, Span[]>, client: number, clock: number, length: number): void {
  const spans = into.get(client);
  if (spans === undefined) into.set(client, [[clock, clock + length]]);
  else spans.push([clock, clock + length]);
}

function normalised(ranges: Map<number, Span[]>): ClockRanges {
  const result = new Map<number, readonly Span[]>();
  for (const [client, spans] of ranges) {
    const merged: Span[] = [];
    for (const span of spans.sort((a, b) => a[0] - b[0])) {
      const last = merged.at(-1);
      if (last !== undefined && span[0] <= last[1]) {
        merged[merged.length - 1] = [last[0], Math.max(last[1], span[1])];
      } else {
        merged.push(span);
      }
    }
    result.set(client, merged);
  }
  return result;
}
