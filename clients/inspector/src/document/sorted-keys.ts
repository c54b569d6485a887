import type * as Y from "yjs";

/** Beyond this many changed keys at once, sorting anew is cheaper than placing each. */
const PLACE_ONE_BY_ONE_MAX = 64;

/**
 * The keys of the maps on show, in order, kept up to date from what each transaction changed, so
 * that one edit in a map of many thousands costs a binary search and no sort.
 */
export class SortedKeys {
  readonly #keys = new WeakMap<Y.Map<unknown>, string[]>();

  /** The keys of `map` in order; the array is replaced, never changed, when the keys change. */
  of(map: Y.Map<unknown>): readonly string[] {
    const known = this.#keys.get(map);
    if (known !== undefined) return known;
    const keys = Array.from(map.keys()).sort(compareKeys);
    this.#keys.set(map, keys);
    return keys;
  }

  /**
   * Notes that a transaction touched these keys of the map.
   *
   * @returns false when it only replaced values of keys that were listed before.
   */
  changed(map: Y.Map<unknown>, touched: ReadonlySet<string>): boolean {
    const known = this.#keys.get(map);
    if (known === undefined) return true;
    if (touched.size > PLACE_ONE_BY_ONE_MAX) {
      this.#keys.delete(map);
      return true;
    }
    let keys = known;
    for (const key of touched) {
      const place = search(keys, key);
      const listed = keys[place] === key;
      const present = map.has(key);
      if (listed === present) continue;
      if (keys === known) keys = known.slice();
      if (present) keys.splice(place, 0, key);
      else keys.splice(place, 1);
    }
    if (keys === known) return false;
    this.#keys.set(map, keys);
    return true;
  }
}

/**
 * Orders keys as a person would: runs of digits by their number, so that n2 comes before n10.
 * Equal only for identical keys.
 */
export function compareKeys(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(j);
    if (isDigit(x) && isDigit(y)) {
      const endOfA = endOfDigits(a, i);
      const endOfB = endOfDigits(b, j);
      const difference = Number(a.slice(i, endOfA)) - Number(b.slice(j, endOfB));
      if (difference !== 0) return difference;
      i = endOfA;
      j = endOfB;
    } else if (x !== y) {
      return x - y;
    } else {
      i++;
      j++;
    }
  }
  const rest = a.length - i - (b.length - j);
  if (rest !== 0) return rest;
  return a < b ? -1 : a > b ? 1 : 0;
}

function search(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end;
}
