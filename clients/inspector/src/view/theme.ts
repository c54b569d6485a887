import { signal } from "@preact/signals";
import { readStored, writeStored } from "../room/stored.ts";

/** Light or dark; "system" follows what the browser prefers. */
export type Theme = "system" | "light" | "dark";

const THEME_KEY = "bandpro.theme";

export const theme = signal<Theme>("system");

/** Takes over the theme that was chosen last. */
export function startTheme(): void {
  const stored = readStored("local", THEME_KEY);
  apply(stored === "light" || stored === "dark" ? stored : "system");
}

/** Changes to the other look; where that is what the system prefers, follows the system again. */
export function toggleTheme(): void {
  const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const next = isDark() ? "light" : "dark";
  const chosen = (next === "dark") === systemIsDark ? "system" : next;
  writeStored("local", THEME_KEY, chosen === "system" ? null : chosen);
  apply(chosen);
}

export function isDark(): boolean {
  if (theme.value !== "system") return theme.value === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

function apply(chosen: Theme): void {
  theme.value = chosen;
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
}
