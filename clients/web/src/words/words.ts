import { en } from "./en.ts";
import { zhHant } from "./zh-hant.ts";

/** All that the editor says, by name. */
export type Words = { readonly [Name in keyof typeof en]: string };

export type Language = "en" | "zh-Hant";

const ALL: Readonly<Record<Language, Words>> = { en, "zh-Hant": zhHant };

export function wordsOf(language: Language): Words {
  return ALL[language];
}

/** The language that somebody chose, else the browser's. */
export function languageOf(chosen: string | null, preferred: readonly string[]): Language {
  if (chosen === "en" || chosen === "zh-Hant") {
    return chosen;
  }
  return preferred[0]?.toLowerCase().startsWith("zh") ? "zh-Hant" : "en";
}

/** Words for what did not work. */
export function failure(words: Words, error: unknown): string {
  return filled(words.failed, { reason: error instanceof Error ? error.message : "" });
}

/** Puts values in the place of `{names}`. */
export function filled(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
