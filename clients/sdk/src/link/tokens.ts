import { ScoreError, wordsOf } from "../errors.ts";

/** Gives the token of whoever uses the application, a fresh one where it can. */
export type GiveToken = () => Promise<string> | string;

const AGAIN_MS = 2_000;
const GIVEN_WITHIN_MS = 20_000;

/** The token in use, and the way to the next. */
export class Tokens {
  readonly #give: GiveToken | undefined;
  #current: string | null = null;
  #asked: Promise<string | null> | null = null;

  constructor(give: GiveToken | undefined) {
    this.#give = give;
  }

  /** The token that was given last; null for none, as in open mode. */
  get current(): string | null {
    return this.#current;
  }

  /**
   * Asks the application for a token; those who ask meanwhile get the same.
   *
   * @throws ScoreError "token" when the application has none.
   */
  fresh(): Promise<string | null> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  /** The token in use, or a first one. */
  async known(): Promise<string | null> {
    return this.#current ?? (await this.fresh());
  }

  /**
   * Another token than the one in use, asked for until there is one or the signal says to stop. The
   * server asks again and again if it is answered with the token that is about to end.
   */
  async renewed(signal: AbortSignal): Promise<string | null> {
    const before = this.#current;
    while (!signal.aborted) {
      try {
        if ((await this.fresh()) !== before) break;
      } catch {
        // Whoever needs it sooner is told; here there is time until the session ends.
      }
      if (this.#give === undefined) break;
      await pause(AGAIN_MS, signal);
    }
    return this.#current;
  }

  async #ask(): Promise<string | null> {
    if (this.#give === undefined) return null;
    try {
      this.#current = await within(GIVEN_WITHIN_MS, Promise.resolve(this.#give()));
      return this.#current;
    } catch (error) {
      throw new ScoreError("token", `No token could be had: ${wordsOf(error)}`, error);
    }
  }
}

/** Waits; less when the signal says to stop. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}

function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nothing came within ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
