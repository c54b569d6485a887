/** Drawn things, in units of which a staff's lines are 10 apart; `of` is the event that it shows. */
export type Shape =
  | {
      readonly kind: "line";
      readonly from: readonly [x: number, y: number];
      readonly to: readonly [x: number, y: number];
      readonly width: number;
      readonly of?: string;
    }
  | {
      readonly kind: "path";
      /** Drawn around the place, as a line of a width, or filled where that is null. */
      readonly d: string;
      readonly at: readonly [x: number, y: number];
      readonly width: number | null;
      readonly isFlipped?: boolean;
      readonly scale?: number;
      readonly of?: string;
    }
  | {
      readonly kind: "head";
      readonly at: readonly [x: number, y: number];
      readonly isOpen: boolean;
      readonly scale?: number;
      readonly of: string;
    }
  | {
      readonly kind: "text";
      readonly at: readonly [x: number, y: number];
      readonly text: string;
      readonly size: number;
      readonly isBold?: boolean;
      readonly of?: string;
    };

/** Where a touch means something: the id of a place in the score. */
export interface Target {
  readonly id: string;
  readonly measure: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A line of music. */
export interface System {
  readonly measures: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
  readonly targets: readonly Target[];
}

/** Between two lines of a staff. */
export const SPACE = 10;
