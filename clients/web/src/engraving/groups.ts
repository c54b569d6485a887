/** A run of items, by their indices, both included, that is drawn as one. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly wrap: (content: string) => string;
}

/**
 * Wraps items in their groups. A group that crosses another one's edge cannot be written as a tree
 * and is left out: the one given first stays.
 */
export function nested(items: readonly string[], spans: readonly Span[]): string {
  const kept: Span[] = [];
  for (const span of spans) {
    if (span.first <= span.last && !kept.some((other) => crosses(span, other))) {
      kept.push(span);
    }
  }
  kept.sort((a, b) => a.first - b.first || b.last - a.last);
  return write(items, kept, 0, items.length - 1);
}

function write(
  items: readonly string[],
  spans: readonly Span[],
  first: number,
  last: number,
): string {
  let written = "";
  let index = first;
  let rest = spans;
  while (index <= last) {
    const [span] = rest;
    if (span === undefined || span.first > index) {
      written += items[index] ?? "";
      index += 1;
      continue;
    }
    const inside = rest.slice(1).filter((other) => other.last <= span.last);
    rest = rest.slice(1).filter((other) => other.last > span.last);
    written += span.wrap(write(items, inside, span.first, span.last));
    index = span.last + 1;
  }
  return written;
}

function crosses(a: Span, b: Span): boolean {
  const apart = a.last < b.first || b.last < a.first;
  const inside =
    (a.first >= b.first && a.last <= b.last) || (b.first >= a.first && b.last <= a.last);
  return !apart && !inside;
}
