/** What is measured: times in milliseconds, and the layout shift of pages, which has no unit. */
export type Measure =
  | "opened_ms"
  | "edit_shown_ms"
  | "edit_saved_ms"
  | "away_ms"
  | "first_byte_ms"
  | "first_paint_ms"
  | "largest_paint_ms"
  | "interaction_ms"
  | "layout_shift";

/** A report, as `POST /v1/measurements` takes it. */
export type Report = { readonly [name in Measure]?: readonly number[] };

const VALUES_MAX = 50;
const MAX: Readonly<Record<"ms" | "shift", number>> = { ms: 600_000, shift: 100 };

/**
 * Values until the next report: at most 50 of each kind, every one that came as likely among them
 * as the others.
 */
export class Batch {
  readonly #values = new Map<Measure, number[]>();
  readonly #seen = new Map<Measure, number>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  add(measure: Measure, value: number): void {
    const max = measure === "layout_shift" ? MAX.shift : MAX.ms;
    if (!(value >= 0 && value <= max)) return; // a clock that was set, or a device that slept
    const kept = this.#values.get(measure) ?? [];
    const seen = (this.#seen.get(measure) ?? 0) + 1;
    this.#values.set(measure, kept);
    this.#seen.set(measure, seen);
    const rounded = Math.round(value * 1000) / 1000;
    if (kept.length < VALUES_MAX) kept.push(rounded);
    else {
      const place = Math.floor(this.#random() * seen);
      if (place < VALUES_MAX) kept[place] = rounded;
    }
  }

  /** What was measured since the last time; null for nothing. */
  take(): Report | null {
    const report = Object.fromEntries(this.#values);
    this.#values.clear();
    this.#seen.clear();
    return Object.keys(report).length > 0 ? report : null;
  }
}
