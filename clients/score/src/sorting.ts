/** Order texts by code points, as UTF-8 bytes do; `<` would compare UTF-16 units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [unit, other] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unit !== other) {
      const [isSurrogate, otherIs] = [isSurrogateUnit(unit), isSurrogateUnit(other)];
      return isSurrogate === otherIs ? unit - other : isSurrogate ? 1 : -1;
    }
  }
  return a.length - b.length;
}

/** Where a value belongs in a sorted list: before the first that is not below it. */
export function insertionPoint<T>(
  sorted: readonly T[],
  value: T,
  compare: (a: T, b: T) => number,
): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle] as T, value) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function isSurrogateUnit(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
