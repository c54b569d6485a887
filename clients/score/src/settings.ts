import { EVERY_PART, type Measure, type Setting } from "./model.ts";
import { compare, type Rational, ZERO } from "./rational.ts";
import { compareText } from "./sorting.ts";

/**
 * Walks through the measures, the deleted ones too, and knows what holds at each.
 *
 * What was set in a deleted measure holds on from the next measure that is there, so that deleting
 * the first measure of a score does not take its clefs away. Its barlines go with it.
 */
export class Settings {
  // By kind, part and scope: of those, what covers a scope takes all below it.
  #pending = new Map<string, Map<string, Map<string, Setting>>>();
  readonly #lengths = new Map<string, readonly [since: number, length: Rational | null]>();
  #entered = 0;
  #waiting: readonly Setting[] = [];
  readonly #lost: string[] = [];

  /** Goes on to the next measure; gives the keys that take effect there, in order. */
  enter(measure: Measure, settings: readonly Setting[]): string[] {
    if (settings.length === 0 && this.#waiting.length === 0 && this.#pending.size === 0) {
      this.#entered += 1; // nothing begins here, as in most measures
      return [];
    }
    const here = [...settings].sort(withinMeasure);
    this.#changeMetre(here);
    if (measure.isDeleted) {
      for (const setting of here) {
        if (setting.at === null || setting.kind === "barline") {
          this.#lost.push(setting.key);
        } else {
          this.#supersede(setting);
          this.#hold(setting);
        }
      }
      return [];
    }
    for (const setting of here.filter(isAtStart)) {
      this.#supersede(setting);
    }
    const carried = this.#takePending();
    const isCarried = new Set(carried);
    return [...carried, ...here]
      .sort(
        (a, b) =>
          compareText(a.kind, b.kind) ||
          compareText(a.scope, b.scope) ||
          Number(isCarried.has(b)) - Number(isCarried.has(a)) ||
          withinMeasure(a, b),
      )
      .map((setting) => setting.key);
  }

  /** The keys that take effect nowhere, after the last measure. */
  finish(): string[] {
    return [...this.#lost, ...this.pending()];
  }

  /** The keys that would hold on in a measure after the last one. */
  pending(): string[] {
    return this.#takePending().map((setting) => setting.key);
  }

  /** How long the entered measure is for a part, or for all (`*`). */
  length(measure: Measure, part: string): Rational | null {
    return measure.length ?? this.metre(part);
  }

  /** How long the metre of the entered measure is, for a part or for all. */
  metre(part: string): Rational | null {
    const [everyone, own] = [this.#lengths.get(EVERY_PART), this.#lengths.get(part)];
    if (!everyone || !own) {
      return (everyone ?? own)?.[1] ?? null;
    }
    return own[0] >= everyone[0] ? own[1] : everyone[1];
  }

  /** A time signature holds from the measure on that begins with or after it. */
  #changeMetre(here: readonly Setting[]): void {
    this.#entered += 1;
    for (const [number, settings] of [
      [2, this.#waiting],
      [3, here.filter(isAtStart)],
    ] as const) {
      for (const setting of settings) {
        if (setting.kind === "time" && setting.scope === setting.part) {
          this.#lengths.set(setting.part, [2 * this.#entered + number, setting.length]);
        }
      }
    }
    this.#waiting = here.filter((setting) => !isAtStart(setting));
  }

  #hold(setting: Setting): void {
    const parts = this.#pending.get(setting.kind) ?? new Map<string, Map<string, Setting>>();
    const scopes = parts.get(setting.part) ?? new Map<string, Setting>();
    this.#pending.set(setting.kind, parts);
    parts.set(setting.part, scopes);
    scopes.set(setting.scope, setting);
  }

  /** Drops what waits to hold on in the setting's scope, or in a part of it. */
  #supersede(setting: Setting): void {
    const parts = this.#pending.get(setting.kind);
    const scopes = parts?.get(setting.part);
    if (setting.scope === EVERY_PART) {
      this.#lose([...(parts?.values() ?? [])].flatMap((all) => [...all.values()]));
      this.#pending.delete(setting.kind);
    } else if (setting.scope === setting.part) {
      this.#lose([...(scopes?.values() ?? [])]);
      parts?.delete(setting.part);
    } else {
      const pending = scopes?.get(setting.scope);
      this.#lose(pending ? [pending] : []);
      scopes?.delete(setting.scope);
    }
  }

  #lose(settings: readonly Setting[]): void {
    for (const setting of settings) {
      this.#lost.push(setting.key);
    }
  }

  #takePending(): Setting[] {
    const pending = [...this.#pending.values()].flatMap((parts) =>
      [...parts.values()].flatMap((scopes) => [...scopes.values()]),
    );
    this.#pending = new Map();
    return pending;
  }
}

function isAtStart(setting: Setting): boolean {
  return setting.at !== null && setting.at.numerator === 0n;
}

function withinMeasure(a: Setting, b: Setting): number {
  return (
    Number(a.at !== null) - Number(b.at !== null) ||
    compare(a.at ?? ZERO, b.at ?? ZERO) ||
    compareText(a.key, b.key)
  );
}
