/**
 * A text area knows "\n" only: each "\r\n" of a text becomes one character in it, so places after
 * it differ between the two.
 */

/** A text as a text area holds it. */
export function inField(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** The place in `text` of a place in its text area. */
export function offsetInText(text: string, offsetInTheField: number): number {
  if (!text.includes("\r\n")) return offsetInTheField;
  let offset = 0;
  for (let left = offsetInTheField; left > 0 && offset < text.length; left--) {
    offset += text.startsWith("\r\n", offset) ? 2 : 1;
  }
  return offset;
}

/** The place in the text area of a place in `text`. */
export function offsetInField(text: string, offset: number): number {
  if (!text.includes("\r\n")) return offset;
  return inField(text.slice(0, offset)).length;
}
