const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
const CHARS = 16;

/**
 * An id for a new element, or a key for a request: a name that nobody else draws. It begins with a
 * letter, as ids in XML do.
 */
export function newId(): string {
  const drawn = crypto.getRandomValues(new Uint8Array(CHARS));
  // 36 does not divide 256; a little less than 5 bits of each byte are worth nothing here.
  return `n${Array.from(drawn, (byte) => DIGITS[byte % DIGITS.length]).join("")}`;
}
