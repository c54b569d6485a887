import type { GiveToken } from "bandpro-sdk";

const KEY = "bandpro.token";
let held: string | null = null;

/** What signs this tab in; kept until the tab is closed, and never part of an address. */
export function tokenGiver(): GiveToken | undefined {
  const token = held ?? fromSession();
  return token === "" ? undefined : () => token;
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
