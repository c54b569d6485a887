import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { WebsocketProvider } from "y-websocket";

/** What passes over the provider's socket, told as it happens. */
export interface SocketEvents {
  /** A sync update came: the edit of somebody else, or the server's echo of ours. */
  updateReceived(update: Uint8Array): void;
  /** The server asked what it lacks; the provider sends this in answer, right after the call. */
  differenceAsked(update: Uint8Array): void;
  /** The server told all that this tab lacked. */
  differenceReceived(): void;
  /** The server refused an edit, or says that this tab only reads. */
  permissionDenied(reason: string): void;
  /** An awareness message came, as bytes of the awareness protocol. */
  awarenessReceived(update: Uint8Array): void;
}

const MESSAGE_SYNC = 0;
const MESSAGE_AWARENESS = 1;
const MESSAGE_AUTH = 2;
const SYNC_STEP_1 = 0;
const SYNC_STEP_2 = 1;
const SYNC_UPDATE = 2;
const AUTH_DENIED = 0;

/**
 * Listens to the stock provider's messages through its own table of handlers. The provider does
 * with each message what it always does; nothing is held back, added or changed.
 */
export function tapSocket(provider: WebsocketProvider, events: SocketEvents): void {
  wrap(provider, MESSAGE_SYNC, (before, reply) => {
    const kind = decoding.readVarUint(before);
    if (kind === SYNC_UPDATE) {
      events.updateReceived(decoding.readVarUint8Array(before));
    } else if (kind === SYNC_STEP_1) {
      const difference = differenceIn(reply());
      if (difference !== null) events.differenceAsked(difference);
    } else if (kind === SYNC_STEP_2) {
      events.differenceReceived();
    }
  });
  wrap(provider, MESSAGE_AWARENESS, (before) => {
    events.awarenessReceived(decoding.readVarUint8Array(before));
  });
  wrap(provider, MESSAGE_AUTH, (before) => {
    if (decoding.readVarUint(before) !== AUTH_DENIED) return;
    events.permissionDenied(decoding.readVarString(before));
  });
}

/** A sync update as the provider itself would frame it. */
export function frameOfUpdate(update: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, MESSAGE_SYNC);
  encoding.writeVarUint(encoder, SYNC_UPDATE);
  encoding.writeVarUint8Array(encoder, update);
  return encoding.toUint8Array(encoder);
}

type Listener = (message: decoding.Decoder, reply: () => Uint8Array) => void;

function wrap(provider: WebsocketProvider, type: number, listener: Listener): void {
  const original = provider.messageHandlers[type];
  if (original === undefined) throw new Error(`the provider handles no messages of type ${type}`);
  provider.messageHandlers[type] = (encoder, decoder, owner, emitSynced, messageType) => {
    const copy = decoding.clone(decoder);
    original(encoder, decoder, owner, emitSynced, messageType);
    listener(copy, () => encoding.toUint8Array(encoder));
  };
}

function differenceIn(reply: Uint8Array): Uint8Array | null {
  const decoder = decoding.createDecoder(reply);
  if (decoding.readVarUint(decoder) !== MESSAGE_SYNC) return null;
  if (decoding.readVarUint(decoder) !== SYNC_STEP_2) return null;
  return decoding.readVarUint8Array(decoder);
}
