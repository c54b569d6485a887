/** Calls `flush` once before the next picture, however often it is asked to. */
export class FrameBatch {
  readonly #flush: () => void;
  #asked = false;
  #ended = false;

  constructor(flush: () => void) {
    this.#flush = flush;
  }

  ask(): void {
    if (this.#asked || this.#ended) return;
    this.#asked = true;
    // A hidden tab draws no pictures, but its figures must not go stale without bound.
    if (document.hidden) setTimeout(this.#run, HIDDEN_MS);
    else requestAnimationFrame(this.#run);
  }

  end(): void {
    this.#ended = true;
  }

  readonly #run = (): void => {
    this.#asked = false;
    if (!this.#ended) this.#flush();
  };
}

const HIDDEN_MS = 250;
