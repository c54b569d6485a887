import type { GiveToken } from "bandpro-sdk";
import { asEntry, asText } from "../engraving/entries.ts";

const KEY = "bandpro.token";
let held: string | null = null;

/** What signs this tab in; kept until the tab is closed, and never part of an address. */
export function tokenGiver(): GiveToken | undefined {
  const token = ownToken();
  return token === "" ? undefined : () => token;
}

/** The same as text; empty for none. */
export function ownToken(): string {
  return held ?? fromSession();
}

/** Whom a token names, unchecked; empty where there is no token, null where it names nobody. */
export function subjectOf(token: string): string | null {
  if (token === "") return "";
  const [, payload = ""] = token.split(".");
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return asText(asEntry(claims)?.["sub"]) || null;
  } catch {
    return null;
  }
}

/** Under what this browser keeps a score for whoever the token names; null where it keeps nothing. */
export function copyKey(room: string): string | null {
  const subject = subjectOf(ownToken());
  return subject === null ? null : JSON.stringify([room, subject]);
}

export function setToken(token: string): void {
  held = token.trim().replace(/^bearer\s+/i, "");
  try {
    sessionStorage.setItem(KEY, held);
  } catch {
    // Then it holds until the page is left.
  }
}

function fromSession(): string {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}
