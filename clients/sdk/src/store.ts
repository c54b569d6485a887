/** A value that changes: `get` gives the same object until it does. */
export interface Store<T> {
  get(): T;
  /** Calls the listener after each change; the answer ends that. */
  subscribe(listener: () => void): () => void;
}

type Report = (thrown: unknown) => void;

/** Listeners; what one of them throws is reported and keeps nobody else from hearing. */
export class Listeners<Args extends unknown[] = []> {
  readonly #listeners = new Set<(...args: Args) => void>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(listener: (...args: Args) => void): () => void {
    const own = (...args: Args): void => listener(...args); // so that one may listen twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(...args: Args): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(...args);
      } catch (error) {
        this.#report(error);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}

/** A store that is written to. */
export class Cell<T> implements Store<T> {
  readonly #listeners: Listeners;
  readonly #isEqual: (one: T, other: T) => boolean;
  #value: T;

  constructor(value: T, report: Report, isEqual: (one: T, other: T) => boolean = Object.is) {
    this.#value = value;
    this.#isEqual = isEqual;
    this.#listeners = new Listeners(report);
  }

  get = (): T => this.#value;

  subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener);

  set(value: T): void {
    if (this.#isEqual(this.#value, value)) return;
    this.#value = value;
    this.#listeners.tell();
  }
}

/** A store whose value is worked out when it is asked for, and kept until its source changes. */
export class Derived<T> implements Store<T> {
  readonly #compute: () => T;
  readonly #listeners: Listeners;
  readonly #watched: (isWatched: boolean) => void;
  #known: { readonly value: T } | null = null;

  /**
   * @param compute gives the value anew.
   * @param watched is told when the first listener comes and when the last one goes.
   */
  constructor(compute: () => T, report: Report, watched: (isWatched: boolean) => void = () => {}) {
    this.#compute = compute;
    this.#listeners = new Listeners(report);
    this.#watched = watched;
  }

  get = (): T => {
    this.#known ??= { value: this.#compute() };
    return this.#known.value;
  };

  subscribe = (listener: () => void): (() => void) => {
    const remove = this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#watched(true);
    let isOn = true;
    return () => {
      if (!isOn) return;
      isOn = false;
      remove();
      if (this.#listeners.size === 0) this.#watched(false);
    };
  };

  /** Its source has changed. */
  stale(): void {
    this.#known = null;
    this.#listeners.tell();
  }
}

/** Whether two objects have the same members. */
export function isSame<T extends object>(one: T, other: T): boolean {
  const names = Object.keys(one) as (keyof T)[];
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.is(one[name], other[name]))
  );
}
