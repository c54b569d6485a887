/** A time in quarter notes, exact: in lowest terms, the denominator above zero. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ZERO: Rational = { numerator: 0n, denominator: 1n };

/** The denominator must not be zero. */
export function rational(numerator: bigint, denominator: bigint): Rational {
  if (denominator === 1n) {
    return { numerator, denominator };
  }
  const divisor = gcd(numerator < 0n ? -numerator : numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export function add(a: Rational, b: Rational): Rational {
  return a.denominator === b.denominator
    ? rational(a.numerator + b.numerator, a.denominator)
    : rational(
        a.numerator * b.denominator + b.numerator * a.denominator,
        a.denominator * b.denominator,
      );
}

export function subtract(a: Rational, b: Rational): Rational {
  return add(a, { numerator: -b.numerator, denominator: b.denominator });
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** The second must not be zero. */
export function divide(a: Rational, b: Rational): Rational {
  const [numerator, denominator] = [a.numerator * b.denominator, a.denominator * b.numerator];
  return denominator < 0n ? rational(-numerator, -denominator) : rational(numerator, denominator);
}

/** The least integer that is not below it; the value must be above zero. */
export function ceiling(value: Rational): number {
  return Number((value.numerator + value.denominator - 1n) / value.denominator);
}

/** Below zero, zero or above zero, as `a` is before, at or after `b`. */
export function compare(a: Rational, b: Rational): number {
  const difference =
    a.denominator === b.denominator
      ? a.numerator - b.numerator
      : a.numerator * b.denominator - b.numerator * a.denominator;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function later(a: Rational, b: Rational): Rational {
  return compare(a, b) < 0 ? b : a;
}

/** As in `3/2`; equal times have equal texts. */
export function timeText(value: Rational): string {
  return `${value.numerator}/${value.denominator}`;
}

/** The nearest number, for drawing and playing. */
export function toNumber(value: Rational): number {
  return Number(value.numerator) / Number(value.denominator);
}

function gcd(a: bigint, b: bigint): bigint {
  let [greater, less] = [a, b];
  while (less !== 0n) {
    [greater, less] = [less, greater % less];
  }
  return greater;
}
