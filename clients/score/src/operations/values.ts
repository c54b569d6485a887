import { compare, divide, type Rational, rational, subtract, timeText } from "../rational.ts";
import { isZero, scaled } from "./draft.ts";

const TYPES: ReadonlyMap<string, Rational> = new Map(
  [
    ["maxima", 32n, 1n],
    ["long", 16n, 1n],
    ["breve", 8n, 1n],
    ["whole", 4n, 1n],
    ["half", 2n, 1n],
    ["quarter", 1n, 1n],
    ["eighth", 1n, 2n],
    ["16th", 1n, 4n],
    ["32nd", 1n, 8n],
    ["64th", 1n, 16n],
    ["128th", 1n, 32n],
    ["256th", 1n, 64n],
    ["512th", 1n, 128n],
    ["1024th", 1n, 256n],
  ].map(([name, numerator, denominator]) => [
    name as string,
    rational(numerator as bigint, denominator as bigint),
  ]),
);
const DOTS_MAX = 3;

interface Written {
  readonly name: string;
  readonly dots: number;
  readonly value: Rational;
}

const WRITTEN: readonly Written[] = [0, 1, 2, 3].flatMap((dots) =>
  [...TYPES.keys()].map((name) => ({
    name,
    dots,
    value: nominalDuration(name, dots) as Rational,
  })),
);
const BY_VALUE: ReadonlyMap<string, Written> = new Map(
  WRITTEN.filter(({ dots }) => dots <= DOTS_MAX).map((each) => [timeText(each.value), each]),
);
const PIECES: readonly Rational[] = WRITTEN.filter(({ dots }) => dots <= 1)
  .map(({ value }) => value)
  .sort((a, b) => compare(b, a));

/** Type and dots of a duration in quarter notes; null if it has none. */
export function writtenValue(duration: Rational): Written | null {
  return BY_VALUE.get(timeText(duration)) ?? null;
}

/** What a written value lasts outside tuplets, in quarter notes. */
export function nominalDuration(name: string, dots: number): Rational | null {
  const value = TYPES.get(name);
  const power = 1n << BigInt(dots);
  return value === undefined ? null : scaled(value, 2n * power - 1n, power);
}

/** Cuts a duration into the fewest written values, longest first; alone where it cannot be cut. */
export function cut(duration: Rational): readonly Rational[] {
  const pieces: Rational[] = [];
  let rest = duration;
  for (const value of PIECES) {
    if (compare(value, rest) <= 0) {
      pieces.push(value);
      rest = subtract(rest, value);
    }
    if (isZero(rest)) {
      return pieces;
    }
  }
  return [duration];
}

export function ratioOf(duration: Rational, nominal: Rational | null): Rational {
  return nominal === null || isZero(nominal) ? rational(1n, 1n) : divide(duration, nominal);
}
