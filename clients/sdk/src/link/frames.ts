import * as decoding from "lib0/decoding";

/** What a frame of the server says beside what the stock provider reads from it. */
export type Said =
  | { readonly kind: "ended"; readonly code: number; readonly reason: string }
  | { readonly kind: "refused-edit" }
  | null;

const AUTH = 2;
const CLOSE = 7;
const SYNC_STATUS = 8;
const DENIED = 1;
const FORBIDDEN = 4403;

/**
 * Reads the end of one document, whose code stands behind the reason, and refusals of edits.
 *
 * @param frame one message of the Hocuspocus protocol: name, type, body.
 */
export function saidIn(frame: Uint8Array): Said {
  const decoder = decoding.createDecoder(frame);
  decoding.readVarString(decoder);
  const type = decoding.readVarUint(decoder);
  if (type === SYNC_STATUS) {
    return decoding.readVarInt(decoder) === 1 ? null : { kind: "refused-edit" };
  }
  if (type === AUTH && decoding.readVarUint(decoder) !== DENIED) return null;
  if (type !== AUTH && type !== CLOSE) return null;
  const reason = decoding.readVarString(decoder);
  // A server that says no code has refused for good.
  const code = decoding.hasContent(decoder) ? decoding.readVarUint(decoder) : FORBIDDEN;
  return { kind: "ended", code, reason };
}
