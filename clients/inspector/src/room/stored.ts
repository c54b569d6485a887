/** Browsers may forbid storage altogether; the page then simply forgets. */

type Kind = "local" | "session";

export function readStored(kind: Kind, key: string): string | null {
  try {
    return storage(kind).getItem(key);
  } catch {
    return null;
  }
}

export function writeStored(kind: Kind, key: string, value: string | null): void {
  try {
    if (value === null) storage(kind).removeItem(key);
    else storage(kind).setItem(key, value);
  } catch {
    // Forbidden or full: nothing here is worth an error.
  }
}

function storage(kind: Kind): Storage {
  return kind === "local" ? window.localStorage : window.sessionStorage;
}
