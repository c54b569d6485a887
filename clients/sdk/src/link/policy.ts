/** What a person can do about an end that is final. */
export type Remedy = "sign-in" | "forbidden" | "not-found" | "full" | "report" | "operator";

/** Why a document was begun anew. */
export type ReloadReason = "erased" | "client-id";

/**
 * What follows an end of the connection or of one document on it.
 *
 *     retry    come back by itself, after a pause drawn by lot, at least `leastMs` long
 *     token    come back once, if the application has another token than the refused one
 *     reload   the document was begun anew: drop this one and load that
 *     stop     final until somebody does something
 */
export type Verdict =
  | { readonly kind: "retry"; readonly leastMs: number }
  | { readonly kind: "token" }
  | { readonly kind: "reload"; readonly reason: ReloadReason }
  | { readonly kind: "stop"; readonly remedy: Remedy };

const FIRST_MS = 500;
const MOST_MS = 30_000;
const UNHURRIED_MS = 5_000;

/** Refusals for now: whoever comes back at once is refused again. */
const UNHURRIED: ReadonlySet<number> = new Set([4513, 4528, 4529]);

const STOPS: ReadonlyMap<number, Remedy> = new Map([
  [1009, "report"],
  [4400, "report"],
  [4403, "forbidden"],
  [4404, "not-found"],
  [4413, "full"],
  [4423, "operator"],
]);

/** What to do after a close code; the catalogue is `docs/close-codes.md`. */
export function verdictOn(code: number): Verdict {
  if (code === 4401) return { kind: "token" };
  if (code === 4409) return { kind: "reload", reason: "client-id" };
  if (code === 4410) return { kind: "reload", reason: "erased" };
  const remedy = STOPS.get(code) ?? (code >= 4400 && code < 4500 ? "report" : undefined);
  if (remedy !== undefined) return { kind: "stop", remedy };
  return { kind: "retry", leastMs: UNHURRIED.has(code) ? UNHURRIED_MS : 0 };
}

/**
 * How long to wait before the next try. Half of the span is drawn by lot, so that the clients of a
 * restarted server do not all come back in the same instant.
 *
 * @param failures how many tries have failed in a row, 1 for the first.
 * @param random a number from 0 up to 1.
 */
export function pauseMs(failures: number, leastMs: number, random: number): number {
  const span = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(Math.max(leastMs, span / 2) + (span / 2) * random);
}
