import { HocuspocusProviderWebsocket } from "@hocuspocus/provider";

interface SocketEvents {
  /** The connection is gone, or could not be made; not told of what `cut` ends. */
  ended(code: number, reason: string): void;
}

const OPEN = 1;
/** What a client calls the end of a connection that nobody closed. */
export const LOST = 1006;
/** The stock socket's own code for a connection on which nothing is heard any more. */
const SILENT = 4408;

/**
 * The stock socket without a will of its own: when to come back is decided by whoever made it.
 *
 * What cannot be sent is dropped instead of queued: the handshake of the next connection brings it
 * all, and the provider would count acknowledgements of queued edits for those of later ones.
 */
export class Socket extends HocuspocusProviderWebsocket {
  readonly #events: SocketEvents;
  #isBeingCut = false;
  #isPending = false;

  constructor(url: string, WebSocketPolyfill: unknown, events: SocketEvents) {
    super({ url, autoConnect: false, maxAttempts: 1, WebSocketPolyfill });
    this.#events = events;
    // No socket came to be, such as for an address that none can have.
    this.on("maxAttemptsFailed", () => {
      if (this.#isPending) this.#events.ended(LOST, "");
    });
  }

  override send(message: unknown): void {
    if (this.webSocket?.readyState === OPEN) super.send(message);
  }

  override createWebSocketConnection(): Promise<unknown> {
    const made = super.createWebSocketConnection();
    this.#isPending = this.webSocket === null;
    return made;
  }

  override onClose({ event }: Parameters<HocuspocusProviderWebsocket["onClose"]>[0]): void {
    if (event.code === SILENT) {
      // It tells nobody else, and in the catalogue such a code would be final.
      this.emit("close", { event: { code: LOST, reason: "" } });
      return;
    }
    this.shouldConnect = false;
    super.onClose({ event });
    if (!this.#isBeingCut) this.#events.ended(event.code, event.reason);
  }

  /** Opens a new connection, to where the room is served. */
  open(url: string): void {
    this.#isPending = true;
    this.setConfiguration({ url });
    void this.connect();
  }

  /** Ends the connection now; a network that is gone would be waited for long. */
  cut(code: number, reason: string): void {
    this.#isPending = false;
    if (this.webSocket === null) return;
    this.#isBeingCut = true;
    this.emit("close", { event: { code, reason } });
    this.#isBeingCut = false;
  }
}
