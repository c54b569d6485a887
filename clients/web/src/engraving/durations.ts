import { addTimes, type Rational, rational, subtractTimes, toNumber } from "bandpro-score";

/** A note value as MEI writes it. */
export interface WrittenValue {
  readonly dur: string;
  readonly dots: number;
}

/** So many in the time of others. */
export interface Ratio {
  readonly actual: number;
  readonly normal: number;
}

export const PLAIN: Ratio = { actual: 1, normal: 1 };

// In quarter notes; all of them are exact as floating-point numbers.
const VALUES: readonly (readonly [dur: string, quarters: number])[] = [
  ["long", 16],
  ["breve", 8],
  ["1", 4],
  ["2", 2],
  ["4", 1],
  ["8", 1 / 2],
  ["16", 1 / 4],
  ["32", 1 / 8],
  ["64", 1 / 16],
  ["128", 1 / 32],
  ["256", 1 / 64],
];
const DOTS_MAX = 3;
const BY_LENGTH = new Map<number, WrittenValue>(
  VALUES.flatMap(([dur, quarters]) =>
    Array.from(
      { length: DOTS_MAX + 1 },
      (_, dots) => [quarters * (2 - 2 ** -dots), { dur, dots }] as const,
    ),
  ),
);
const TYPES: ReadonlyMap<string, string> = new Map([
  ["long", "long"],
  ["breve", "breve"],
  ["whole", "1"],
  ["half", "2"],
  ["quarter", "4"],
  ["eighth", "8"],
  ...[16, 32, 64, 128, 256].map((part) => [part === 32 ? "32nd" : `${part}th`, `${part}`] as const),
]);
const PIECES_MAX = 16;

/** How a duration is written, in a tuplet or out of one; null when no one value lasts so long. */
export function writtenValue(duration: Rational, ratio: Ratio = PLAIN): WrittenValue | null {
  return BY_LENGTH.get(nominal(duration, ratio)) ?? null;
}

/** The value that a `type` of the document names; null for others. */
export function typedValue(type: unknown, dots: unknown): WrittenValue | null {
  const dur = TYPES.get(String(type));
  return dur === undefined ? null : { dur, dots: typeof dots === "number" ? dots : 0 };
}

/** The longest plain value that fits, for what cannot be written exactly. */
export function nearestValue(duration: Rational, ratio: Ratio = PLAIN): WrittenValue {
  const length = nominal(duration, ratio);
  const [dur] = VALUES.find(([, quarters]) => quarters <= length) ?? ["256"];
  return { dur, dots: 0 };
}

/** A stretch of time and how it is written. */
export interface Piece {
  readonly onset: Rational;
  readonly duration: Rational;
  readonly value: WrittenValue;
}

/**
 * Splits an empty stretch into rests that begin where values of their length do in the measure, as
 * musicians write them: from the second quarter a quarter, then a half.
 */
export function restPieces(onset: Rational, duration: Rational): readonly Piece[] {
  const pieces: Piece[] = [];
  let [at, left] = [onset, duration];
  while (left.numerator > 0n && pieces.length < PIECES_MAX) {
    const [place, length] = [toNumber(at), toNumber(left)];
    const found = VALUES.find(([, quarters]) => quarters <= length && place % quarters === 0);
    if (found === undefined) {
      return [...pieces, { onset: at, duration: left, value: nearestValue(left) }];
    }
    const taken = rationalOf(found[1]);
    pieces.push({ onset: at, duration: taken, value: { dur: found[0], dots: 0 } });
    at = addTimes(at, taken);
    left = subtractTimes(left, taken);
  }
  return pieces;
}

function rationalOf(quarters: number): Rational {
  return quarters >= 1 ? rational(BigInt(quarters), 1n) : rational(1n, BigInt(1 / quarters));
}

function nominal({ numerator, denominator }: Rational, { actual, normal }: Ratio): number {
  return Number(numerator * BigInt(actual)) / Number(denominator * BigInt(normal));
}
