import type { Rational } from "bandpro-score";

/** Something in a voice that can be pointed at on the page. */
export interface Place {
  /** Of the element in the picture: a note's, a rest's, or made up for time that is empty. */
  readonly id: string;
  readonly kind: "chord" | "rest" | "gap" | "grace";
  readonly part: string;
  readonly measure: string;
  readonly voice: number;
  /** Within the part. */
  readonly staff: number;
  readonly onset: Rational;
  readonly duration: Rational;
  /** The notes of a chord, the lowest id first; the rest; empty for a gap. */
  readonly events: readonly string[];
}
