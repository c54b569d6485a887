/** What the worker is asked: to take a score, or to draw one of its pages. */
export type Question =
  | { readonly kind: "load"; readonly mei: string; readonly width: number; readonly number: number }
  | { readonly kind: "page"; readonly page: number; readonly number: number };

export type Answer =
  | {
      readonly kind: "loaded";
      readonly number: number;
      readonly pages: number;
      readonly first: string;
    }
  | { readonly kind: "page"; readonly number: number; readonly page: number; readonly svg: string }
  | { readonly kind: "failed"; readonly number: number };

/** The drawn pages of one state of a score; those that are not drawn yet are null. */
export interface Sheet {
  readonly number: number;
  /** The newest state could not be drawn: this is an older one. */
  readonly isBehind: boolean;
  readonly pages: readonly (string | null)[];
}

export const BLANK: Sheet = { number: 0, isBehind: false, pages: [] };

/**
 * Draws scores in a worker, the newest state only: what changed meanwhile is drawn next, what lies
 * between is left out.
 */
export class Engraver {
  readonly #worker: Worker;
  readonly #onSheet: (sheet: Sheet) => void;
  #number = 0;
  #isBusy = false;
  #waiting: { mei: string; width: number } | null = null;
  #sheet = BLANK;
  /** Pages that were asked for and have not come. */
  #asked = new Set<number>();

  constructor(onSheet: (sheet: Sheet) => void) {
    this.#onSheet = onSheet;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    this.#worker.onmessage = (event: MessageEvent<Answer>) => this.#take(event.data);
  }

  /** @param width of a page, in units of the engraver. */
  draw(mei: string, width: number): void {
    this.#waiting = { mei, width };
    this.#next();
  }

  /** Asks for a page, counted from 0, if it is not there. */
  want(page: number): void {
    if (this.#sheet.pages[page] === null && !this.#asked.has(page)) {
      this.#asked.add(page);
      this.#post({ kind: "page", page, number: this.#sheet.number });
    }
  }

  end(): void {
    this.#worker.terminate();
  }

  #next(): void {
    if (this.#isBusy || this.#waiting === null) {
      return;
    }
    this.#isBusy = true;
    this.#number += 1;
    this.#post({ kind: "load", ...this.#waiting, number: this.#number });
    this.#waiting = null;
  }

  #take(answer: Answer): void {
    if (answer.kind === "page") {
      if (answer.number === this.#sheet.number) {
        this.#asked.delete(answer.page);
        const pages = this.#sheet.pages.map((svg, at) => (at === answer.page ? answer.svg : svg));
        this.#show({ ...this.#sheet, pages });
      }
      return;
    }
    this.#isBusy = false;
    const missed = this.#asked;
    if (answer.kind === "loaded") {
      this.#asked = new Set();
      const rest = Array.from({ length: answer.pages - 1 }, () => null);
      this.#show({ number: answer.number, isBehind: false, pages: [answer.first, ...rest] });
    } else {
      this.#show({ ...this.#sheet, isBehind: true });
    }
    this.#next();
    // Whoever sees a page that was not drawn in time does not ask again.
    for (const page of missed) {
      this.want(page);
    }
  }

  #show(sheet: Sheet): void {
    this.#sheet = sheet;
    this.#onSheet(sheet);
  }

  #post(question: Question): void {
    this.#worker.postMessage(question);
  }
}
