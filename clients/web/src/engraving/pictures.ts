/** How many rows are kept as pictures, drawn or not: some 100 kB each. */
export const PICTURES_MAX = 64;
/** A row's height by its width, where it is not known. */
export const USUAL_RATIO = 0.3;

/** A drawn row. */
export interface Picture {
  readonly svg: string;
  /** Its height by its width. */
  readonly ratio: number;
}

/** A picture and what it was drawn of: the content of its window. */
export interface Drawn {
  readonly content: string;
  readonly picture: Picture;
}

/** What was drawn last, by what it was drawn of; what was asked for longest ago goes first. */
export class Pictures {
  readonly #held = new Map<string, Picture>();
  readonly #max: number;

  constructor(max = PICTURES_MAX) {
    this.#max = max;
  }

  get(text: string): Picture | null {
    const found = this.#held.get(text);
    if (found === undefined) {
      return null;
    }
    this.#held.delete(text);
    this.#held.set(text, found);
    return found;
  }

  put(text: string, picture: Picture): void {
    this.#held.delete(text);
    this.#held.set(text, picture);
    for (const [oldest] of this.#held) {
      if (this.#held.size <= this.#max) {
        return;
      }
      this.#held.delete(oldest);
    }
  }
}
