import { type Drawn, PICTURES_MAX, type Picture, Pictures, USUAL_RATIO } from "./pictures.ts";
import { engraverWorker, FAILURES } from "./shared.ts";
import type { Window } from "./windows.ts";

/** What the worker is asked: to draw one page of a text. */
export interface Question {
  readonly number: number;
  readonly mei: string;
  /** From 1. */
  readonly page: number;
  /** In units of the engraver. */
  readonly width: number;
}

/** The page, or null when it could not be drawn. */
export interface Answer {
  readonly number: number;
  readonly picture: Picture | null;
}

/** One row on the page; out of sight, or not drawn yet, it is only known how high it may be. */
export interface DrawnRow {
  readonly key: string;
  readonly svg: string | null;
  /** The content of the window that the picture shows: of an older state, perhaps. */
  readonly content: string | null;
  /** Its height by its width, an estimate where there is no picture. */
  readonly ratio: number;
}

/** The rows of a score as far as they are drawn. */
export interface Sheet {
  readonly rows: readonly DrawnRow[];
  /** The newest state of some row could not be drawn: it is an older one. */
  readonly isBehind: boolean;
  /** The worker ended while it was waited for: nothing is drawn until it is asked to try again. */
  readonly isDown: boolean;
}

/** What is asked of a row: its picture is known by its content. */
export type RowToDraw = Pick<Window, "key" | "page" | "width" | "text" | "content">;

/** Over all engravers of the page: an answer to a former one is none to the next. */
let asked = 0;

export const BLANK: Sheet = { rows: [], isBehind: false, isDown: false };

/**
 * Draws the rows that are in sight in a worker, the newest state of each only: what changed
 * meanwhile is drawn next, what lies between is left out. Until then a row keeps its older picture.
 */
export class Engraver {
  #worker: Worker | null = null;
  /** Pictures from before may be on their way. */
  #isWaiting = true;
  readonly #onSheet: (sheet: Sheet) => void;
  readonly #pictures = new Pictures();
  /** Contents that could not be drawn. */
  readonly #failed = new Set<string>();
  /** The pictures of rows in sight. */
  readonly #shown = new Map<string, Drawn>();
  readonly #ratios = new Map<string, number>();
  #windows: readonly RowToDraw[] = [];
  /** Keys of rows; null before the page has told. */
  #inSight: ReadonlySet<string> | null = null;
  #first: string | null = null;
  #sheet = BLANK;
  #number = 0;
  /** What the worker draws now. */
  #drawing: string | null = null;
  #isDown = false;
  #hasEnded = false;

  /** @param known pictures that were drawn before; nothing is drawn until they are there. */
  constructor(onSheet: (sheet: Sheet) => void, known: Promise<readonly Drawn[]>) {
    this.#onSheet = onSheet;
    void known.then((drawn) => {
      for (const { content, picture } of drawn) this.#pictures.put(content, picture);
      this.#isWaiting = false;
      if (!this.#hasEnded) this.#update();
    });
  }

  /**
   * Takes a new state of the score.
   *
   * @param first key of the row that is drawn before all others: where somebody writes.
   */
  show(windows: readonly RowToDraw[], first: string | null): void {
    this.#windows = windows;
    this.#first = first;
    const keys = new Set(windows.map((window) => window.key));
    for (const key of [...this.#ratios.keys(), ...this.#shown.keys()]) {
      if (!keys.has(key)) {
        this.#ratios.delete(key);
        this.#shown.delete(key);
      }
    }
    this.#update();
  }

  /** @param keys of the rows that are in sight, or nearly so. */
  look(keys: ReadonlySet<string>): void {
    this.#inSight = keys;
    for (const key of this.#shown.keys()) {
      if (!keys.has(key)) {
        this.#shown.delete(key);
      }
    }
    this.#update();
  }

  /** The first rows with their newest pictures, up to the first that has none. */
  first(count: number): readonly Drawn[] {
    const found: Drawn[] = [];
    for (const { content } of this.#windows.slice(0, count)) {
      // Rows out of sight have theirs as well: whoever comes back begins at the head of the score.
      const picture = this.#pictures.get(content);
      if (!picture) break;
      found.push({ content, picture });
    }
    return found;
  }

  /** Has the worker begin, if none has yet: whatever is drawn next finds it ready. */
  prepare(): Worker {
    if (this.#worker === null) {
      this.#worker = engraverWorker(`${process.env["ENGRAVER"]}worker.js`);
      this.#worker.addEventListener("message", this.#take);
      for (const name of FAILURES) this.#worker.addEventListener(name, this.#lose);
    }
    return this.#worker;
  }

  /** Has another worker draw what the last one did not. */
  tryAgain(): void {
    this.#isDown = false;
    this.#failed.clear();
    this.#update();
  }

  end(): void {
    this.#hasEnded = true;
    this.#leave();
  }

  #leave(): void {
    this.#worker?.removeEventListener("message", this.#take);
    for (const name of FAILURES) this.#worker?.removeEventListener(name, this.#lose);
  }

  #update(): void {
    for (const window of this.#windows) {
      if (this.#isDue(window)) {
        const picture = this.#pictures.get(window.content);
        if (picture) {
          this.#hang(window.key, window.content, picture);
        }
      }
    }
    this.#next();
    this.#tell();
  }

  /** Whether a row is in sight and its picture is not of its newest state. */
  #isDue(window: RowToDraw): boolean {
    // The first row is hardly ever out of sight of a page that has just come.
    const isInSight = this.#inSight?.has(window.key) ?? window === this.#windows[0];
    return isInSight && this.#shown.get(window.key)?.content !== window.content;
  }

  #hang(key: string, content: string, picture: Picture): void {
    this.#shown.set(key, { content, picture });
    this.#ratios.set(key, picture.ratio);
  }

  #next(): void {
    if (this.#drawing !== null || this.#isWaiting || this.#isDown) {
      return;
    }
    const due = this.#windows.filter(
      (window) => this.#isDue(window) && !this.#failed.has(window.content),
    );
    const window = due.find((each) => each.key === this.#first) ?? due[0];
    if (window) {
      this.#drawing = window.content;
      asked += 1;
      this.#number = asked;
      const { page, width, text } = window;
      const question: Question = { number: this.#number, mei: text, page, width };
      this.prepare().postMessage(question);
    }
  }

  readonly #take = ({ data: { number, picture } }: MessageEvent<Answer>): void => {
    const content = this.#drawing;
    if (number !== this.#number || content === null) {
      return;
    }
    this.#drawing = null;
    if (picture === null) {
      this.#forget();
      this.#failed.add(content);
    } else {
      this.#pictures.put(content, picture);
    }
    this.#update();
  };

  /** The worker has ended. If nobody waits, whatever is drawn next begins another one. */
  readonly #lose = (): void => {
    this.#leave();
    this.#worker = null;
    this.#isDown ||= this.#drawing !== null;
    this.#drawing = null;
    this.#tell();
  };

  #forget(): void {
    if (this.#failed.size >= PICTURES_MAX) {
      this.#failed.clear();
    }
  }

  #tell(): void {
    const known = [...this.#ratios.values()];
    const usual =
      known.length === 0 ? USUAL_RATIO : known.reduce((sum, each) => sum + each, 0) / known.length;
    const former = new Map(this.#sheet.rows.map((row) => [row.key, row]));
    const rows = this.#windows.map(({ key }): DrawnRow => {
      const { content = null, picture } = this.#shown.get(key) ?? {};
      const svg = picture?.svg ?? null;
      const ratio = this.#ratios.get(key) ?? usual;
      const held = former.get(key);
      const isSame = held?.svg === svg && held.content === content && held.ratio === ratio;
      return isSame ? held : { key, svg, content, ratio };
    });
    const isBehind = this.#windows.some(
      (window) => this.#isDue(window) && this.#failed.has(window.content),
    );
    const isDown = this.#isDown;
    const { rows: before, ...was } = this.#sheet;
    const isSame = rows.length === before.length && rows.every((row, at) => row === before[at]);
    if (!isSame || isBehind !== was.isBehind || isDown !== was.isDown) {
      this.#sheet = { rows, isBehind, isDown };
      this.#onSheet(this.#sheet);
    }
  }
}
