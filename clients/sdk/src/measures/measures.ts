import { Api, type Fetch } from "../http/api.ts";
import { httpBase } from "../link/address.ts";
import { type GiveToken, Tokens } from "../link/tokens.ts";
import type { Score } from "../score.ts";
import { Batch, type Measure } from "./batch.ts";

export interface MeasureOptions {
  /** Whether whoever is here agreed to this; asked at each value and before each report. */
  readonly consent: () => boolean;
  /** In how many of all visits something is measured, from 0 to 1; in a tenth if left out. */
  readonly share?: number | undefined;
  /** Gives a token; left out in open mode. */
  readonly token?: GiveToken | undefined;
  readonly fetch?: Fetch | undefined;
}

type Told = (report: (metric: { readonly value: number }) => void) => void;

/** What the package `web-vitals` exports; it is handed in, so that only who wants it has it. */
export interface WebVitals {
  readonly onTTFB: Told;
  readonly onFCP: Told;
  readonly onLCP: Told;
  readonly onINP: Told;
  readonly onCLS: Told;
}

const REPORT_EVERY_MS = 60_000;

/**
 * How the application does for those who use it: measured in a part of all visits, with consent,
 * and reported to the server once a minute and when the page is left. A report says what took how
 * long; not who, where or in which score. One that does not arrive is forgotten.
 */
export class Measures {
  readonly #api: Api;
  readonly #consent: () => boolean;
  readonly #isChosen: boolean;
  readonly #batch = new Batch();
  readonly #ends = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timesHidden = 0;

  constructor(url: string, options: MeasureOptions) {
    this.#api = new Api(httpBase(url), new Tokens(options.token), options.fetch);
    this.#consent = options.consent;
    this.#isChosen = Math.random() < (options.share ?? 0.1);
    if (!this.#isChosen || typeof document === "undefined") return;
    const hidden = (): void => {
      if (document.visibilityState !== "hidden") return;
      this.#timesHidden += 1;
      void this.report();
    };
    // On the window, where the event comes last: after what tells its last value then.
    addEventListener("visibilitychange", hidden);
    this.#ends.add(() => removeEventListener("visibilitychange", hidden));
  }

  /** Adds a value: milliseconds, or a layout shift. */
  add(measure: Measure, value: number): void {
    if (!this.#isChosen || !this.#consent()) return;
    this.#batch.add(measure, value);
    this.#timer ??= setTimeout(() => void this.report(), REPORT_EVERY_MS);
  }

  /**
   * Measures a score: how long it takes to open, to show and to save edits, and to come back.
   *
   * @param frames whether the next frame shows an edit; false where the application draws later,
   *   and tells then of each edit that is `shown`.
   * @returns what ends that.
   */
  watch(score: Score, { frames = true }: { readonly frames?: boolean } = {}): () => void {
    if (!this.#isChosen) return () => {};
    const ends = [this.#watchConnection(score), this.#watchSaved(score)];
    if (frames) {
      ends.push(score.onChange(({ askedMs }) => askedMs !== null && this.shown(askedMs)));
    }
    const end = (): void => {
      for (const each of ends.splice(0)) each();
      this.#ends.delete(end); // which would keep the score
    };
    this.#ends.add(end);
    return end;
  }

  /**
   * Measures an edit that the next frame shows.
   *
   * @param askedMs when it was asked for, as `onChange` of its score tells.
   */
  shown(askedMs: number): void {
    if (!this.#isChosen || typeof requestAnimationFrame !== "function") return;
    const before = this.#timesHidden;
    requestAnimationFrame(() => {
      // Begun in the frame, ended after it was handed over; a hidden page draws none.
      setTimeout(() => {
        if (before === this.#timesHidden) this.add("edit_shown_ms", performance.now() - askedMs);
      });
    });
  }

  /** Measures the page: `measures.watchPage(await import("web-vitals"))`. */
  watchPage(vitals: WebVitals): void {
    if (!this.#isChosen) return;
    const into =
      (measure: Measure) =>
      ({ value }: { readonly value: number }): void =>
        this.add(measure, value);
    vitals.onTTFB(into("first_byte_ms"));
    vitals.onFCP(into("first_paint_ms"));
    vitals.onLCP(into("largest_paint_ms"));
    vitals.onINP(into("interaction_ms"));
    vitals.onCLS(into("layout_shift"));
  }

  /** Reports now what was measured. */
  async report(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const json = this.#batch.take();
    if (json === null || !this.#consent()) return;
    try {
      // What is sent while the page is left arrives all the same, with a token, which beacons have not.
      await this.#api.ask("/measurements", { method: "POST", json, keepalive: true });
    } catch {
      // Nobody waits for it, and the next one says as much.
    }
  }

  /** Ends all measuring, and reports what is left. */
  close(): void {
    for (const end of this.#ends) end();
    this.#ends.clear();
    void this.report();
  }

  #watchConnection(score: Score): () => void {
    const isHere = (): boolean => score.connection.get().state === "synced";
    let [wasHere, sinceMs] = [isHere(), performance.now()];
    let measure: Measure = wasHere ? "away_ms" : "opened_ms";
    return score.connection.subscribe(() => {
      if (wasHere === isHere()) return;
      wasHere = !wasHere;
      const nowMs = performance.now();
      if (wasHere) this.add(measure, nowMs - sinceMs);
      else measure = "away_ms";
      sinceMs = nowMs;
    });
  }

  /** Times of saving without a break: what waited for the network is told by `away_ms`. */
  #watchSaved(score: Score): () => void {
    let before = score.saved.get().state;
    let sinceMs: number | null = null;
    return score.saved.subscribe(() => {
      const { state } = score.saved.get();
      if (state === before) return;
      const nowMs = performance.now();
      if (state === "saved" && sinceMs !== null) this.add("edit_saved_ms", nowMs - sinceMs);
      sinceMs = state === "saving" && before === "saved" ? nowMs : null;
      before = state;
    });
  }
}

/**
 * Measures how an application does, for the figures of a server.
 *
 * @param url of the server: `https://collab.example`.
 */
export function openMeasures(url: string, options: MeasureOptions): Measures {
  return new Measures(url, options);
}
