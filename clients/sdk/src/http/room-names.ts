import { newId } from "../ids.ts";

const NAME_CHARS_MAX = 60;
const DRAWN_CHARS = 8;

/** A room that nobody has, with a name that tells what is in it: `scores/air-7k2m0q1x`. */
export function roomFor(title: string): string {
  const name = title
    .normalize("NFKC")
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .toLowerCase();
  const short = Array.from(name).slice(0, NAME_CHARS_MAX).join("");
  return `scores/${short || "score"}-${newId().slice(-DRAWN_CHARS)}`;
}
