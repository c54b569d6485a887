/** The first 32 bits of the SHA-256 digest of a text in UTF-8 (FIPS 180-4), as a number. */
export function digestStart(text: string): number {
  const state = Uint32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));
  const constants = Uint32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
  const bytes = padded(utf8(text));
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < bytes.length; block += 64) {
    compress(state, constants, view, block);
  }
  return state[0] as number;
}

function compress(state: Uint32Array, constants: Uint32Array, view: DataView, block: number): void {
  const words = new Uint32Array(64);
  const word = (at: number): number => words[at] as number;
  for (let at = 0; at < 64; at += 1) {
    words[at] =
      at < 16
        ? view.getUint32(block + 4 * at)
        : word(at - 16) +
          (turned(word(at - 15), 7) ^ turned(word(at - 15), 18) ^ (word(at - 15) >>> 3)) +
          word(at - 7) +
          (turned(word(at - 2), 17) ^ turned(word(at - 2), 19) ^ (word(at - 2) >>> 10));
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let at = 0; at < 64; at += 1) {
    const first =
      (h +
        (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) +
        ((e & f) ^ (~e & g)) +
        (constants[at] as number) +
        word(at)) >>>
      0;
    const second =
      ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  for (const [at, value] of [a, b, c, d, e, f, g, h].entries()) {
    state[at] = (state[at] as number) + value;
  }
}

/** Turns 32 bits to the right. */
function turned(value: number, by: number): number {
  return (value >>> by) | (value << (32 - by));
}

/** A one, zeros, and the length in bits behind a message. */
function padded(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64 * Math.ceil((message.length + 9) / 64));
  bytes.set(message);
  bytes[message.length] = 0x80;
  new DataView(bytes.buffer).setUint32(bytes.length - 4, 8 * message.length);
  return bytes;
}

/** A text in UTF-8; the environment's own encoder is not everywhere. */
function utf8(text: string): Uint8Array {
  const units = encodeURIComponent(text).match(/%[0-9A-F]{2}|./g) ?? [];
  return Uint8Array.from(units, (unit) =>
    unit.length > 1 ? Number.parseInt(unit.slice(1), 16) : unit.charCodeAt(0),
  );
}

/** The first 32 bits behind the point. */
function fraction(value: number): number {
  return Math.floor((value % 1) * 2 ** 32);
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number += 1) {
    if (found.every((prime) => number % prime !== 0)) {
      found.push(number);
    }
  }
  return found;
}
