import { EditRefused } from "./draft.ts";
import { ORDER_CHARS_MAX } from "./rules.ts";
import { digestStart } from "./sha256.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE = BigInt(DIGITS.length);
const SALT_CHARS = 3;
const OPEN_WIDTH = 4;
const OPEN_STEP = 16n;

type Placed = readonly [order: string, id: string];

/**
 * Finds orders for elements that are put behind one another: for the new ones, and for those behind
 * them that had the anchor's order. An order is a fraction written in base 62 without the leading
 * `0.`; it ends in letters drawn from the element's id, so that two people who insert at the same
 * place at once get different ones.
 */
export function placeAfter(
  present: readonly Placed[],
  anchor: string | null,
  added: readonly string[],
): Map<string, string> {
  let position = 0;
  let before = "";
  if (anchor !== null) {
    position = 1 + present.findIndex(([, key]) => key === anchor);
    if (position === 0) {
      throw new EditRefused("unknown-element", "There is nothing to insert after.", anchor);
    }
    before = (present[position - 1] as Placed)[0];
  }
  const tied = present
    .slice(position)
    .filter(([order]) => order === before)
    .map(([, key]) => key);
  const next = present[position + tied.length];
  const ids = [...added, ...tied];
  const orders = spread(before, next ? next[0] : null, ids);
  return new Map(ids.map((key, at) => [key, orders[at] as string]));
}

function spread(before: string, after: string | null, ids: readonly string[]): string[] {
  if (ids.length === 0) {
    return [];
  }
  if (after === null) {
    const orders: string[] = [];
    let last = before;
    for (const key of ids) {
      last = between(last, null, key);
      orders.push(last);
    }
    return orders;
  }
  const middle = ids.length >> 1;
  const order = between(before, after, ids[middle] as string);
  return [
    ...spread(before, order, ids.slice(0, middle)),
    order,
    ...spread(order, after, ids.slice(middle + 1)),
  ];
}

function between(before: string, after: string | null, key: string): string {
  const first = after === null || before === "" ? OPEN_WIDTH : 1;
  for (let width = first; width <= ORDER_CHARS_MAX - SALT_CHARS; width += 1) {
    const low = numberOf(before, width);
    const high = after === null ? BASE ** BigInt(width) : numberOf(after, width);
    if (high - low > 1n) {
      let step = (high - low) / 2n;
      if (before !== "" && after === null) {
        step = step < OPEN_STEP ? step : OPEN_STEP;
      } else if (after !== null && before === "") {
        step = step > high - low - OPEN_STEP ? step : high - low - OPEN_STEP;
      }
      return textOf(low + step, width) + textOf(BigInt(digestStart(key)), SALT_CHARS);
    }
  }
  throw new EditRefused("no-room", "The orders there have no room between them.");
}

function numberOf(order: string, width: number): bigint {
  let number = 0n;
  for (const digit of order.slice(0, width).padEnd(width, "0")) {
    const value = DIGITS.indexOf(digit);
    if (value < 0) {
      throw new EditRefused("malformed", "An order there is none.");
    }
    number = number * BASE + BigInt(value);
  }
  return number;
}

/** The last digits of a number. */
function textOf(number: bigint, width: number): string {
  let text = "";
  let rest = number;
  for (let place = 0; place < width; place += 1) {
    text = DIGITS[Number(rest % BASE)] + text;
    rest /= BASE;
  }
  return text;
}
