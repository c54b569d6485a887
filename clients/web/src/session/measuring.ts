import type { View } from "bandpro-score";
import { type Measures, openMeasures, type Score } from "bandpro-sdk";
import { Cell } from "./store.ts";
import { tokenGiver } from "./token.ts";

/** Of a score that is measured. */
export interface Measured {
  /** To be called when all that is in sight is drawn of a view. */
  readonly drawn: (view: View) => void;
  readonly end: () => void;
}

/**
 * Measures how the page does for whoever allows it, in each of their visits: who is asked and says
 * yes is a small enough part of all by themselves.
 */
export class Measuring {
  readonly #isOn: Cell<boolean>;
  readonly #measures: Measures;
  #isPageWatched = false;

  /** @param url of the server that reports go to. */
  constructor(url: string, isOn: boolean) {
    this.#isOn = new Cell(isOn);
    const consent = () => this.#isOn.get();
    this.#measures = openMeasures(url, { consent, share: 1, token: tokenGiver() });
    if (isOn) void this.#watchPage();
  }

  /** Begins or ends at once: of what was measured and not reported before, nothing is sent. */
  allow(isOn: boolean): void {
    this.#isOn.set(isOn);
    if (isOn) void this.#watchPage();
    else void this.report(); // without consent, this throws away what there is
  }

  /** Reports now what was measured, as is done once a minute and when the page is left. */
  async report(): Promise<void> {
    await this.#measures.report();
  }

  close(): void {
    this.#measures.close();
  }

  /** Measures a score that is open. */
  watch(score: Score): Measured {
    // Rows are drawn in a worker, later than in the next frame.
    const end = this.#measures.watch(score, { frames: false });
    const waiting: number[] = [];
    const endChanges = score.onChange(({ askedMs }) => {
      if (askedMs !== null && this.#isOn.get()) waiting.push(askedMs);
    });
    return {
      drawn: (view) => {
        if (waiting.length === 0 || view !== score.view.get()) return;
        for (const askedMs of waiting.splice(0)) this.#measures.shown(askedMs);
      },
      end: () => {
        endChanges();
        end();
      },
    };
  }

  async #watchPage(): Promise<void> {
    if (this.#isPageWatched || typeof document === "undefined") return;
    this.#isPageWatched = true;
    try {
      this.#measures.watchPage(await import("web-vitals"));
    } catch {
      // A file that cannot be had now: the page is not measured in this visit.
    }
  }
}
