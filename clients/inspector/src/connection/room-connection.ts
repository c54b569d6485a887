import { type ReadonlySignal, signal } from "@preact/signals";
import type { Awareness } from "y-protocols/awareness";
import { WebsocketProvider } from "y-websocket";
import type * as Y from "yjs";
import { encodeRoomPath } from "../room/room-name.ts";
import { backoffMs } from "./backoff.ts";
import { type CloseInWords, closeInWords, sentence } from "./close-codes.ts";
import { type SocketEvents, tapSocket } from "./socket-tap.ts";
import { type Credentials, fetchTicket } from "./tickets.ts";

/**
 * How the connection stands.
 *
 *     connecting -> syncing -> live            a socket opens, the first exchange ends
 *     any        -> waiting -> connecting      it ended; another try comes by itself
 *     any        -> closed                     it ended for good: why is told
 *     any        -> paused  -> connecting      the person went offline, and back
 */
export type ConnectionState =
  | { kind: "connecting" }
  | { kind: "syncing" }
  | { kind: "live" }
  | { kind: "waiting"; untilMs: number; close: CloseInWords }
  | { kind: "closed"; close: CloseInWords }
  | { kind: "paused" };

const CONNECT_TIMEOUT_MS = 12_000;

/**
 * One room opened over the stock y-websocket provider.
 *
 * The provider speaks the protocol; when to try again is decided here, because a ticket of one
 * use must be fetched before each try, which the provider's own timer would not wait for.
 */
export class RoomConnection {
  readonly provider: WebsocketProvider;
  readonly #room: string;
  readonly #credentials: Credentials;
  readonly #state = signal<ConnectionState>({ kind: "connecting" });
  #failures = 0;
  #ticketSpent = false;
  #generation = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string, doc: Y.Doc, awareness: Awareness, credentials: Credentials) {
    this.#room = room;
    this.#credentials = credentials;
    this.provider = new WebsocketProvider(socketBase(window.location), encodeRoomPath(room), doc, {
      connect: false,
      awareness,
      // Tabs meet through the server alone, so that what a tab shows has travelled the real way.
      disableBc: true,
    });
    this.provider.on("connection-close", (event) => this.#ended(event));
    this.provider.on("status", ({ status }) => {
      if (status !== "connected") return;
      this.#enter({ kind: "syncing" });
      this.#announce();
    });
    this.provider.on("sync", (synced) => {
      if (!synced) return;
      this.#failures = 0;
      this.#enter({ kind: "live" });
    });
    window.addEventListener("online", this.#onOnline);
    window.addEventListener("offline", this.#onOffline);
  }

  get state(): ReadonlySignal<ConnectionState> {
    return this.#state;
  }

  /** The kind of the credentials in use; tokens themselves are never shown. */
  get credentialsKind(): Credentials["kind"] {
    return this.#credentials.kind;
  }

  listen(events: SocketEvents): void {
    tapSocket(this.provider, events);
  }

  /** Opens the connection now instead of when its time comes. */
  connect(): void {
    if (this.provider.ws !== null) return;
    const generation = this.#next();
    this.#enter({ kind: "connecting" });
    this.#timer = setTimeout(() => this.#timedOut(generation), CONNECT_TIMEOUT_MS);
    void this.#open(generation);
  }

  /** Goes offline until `connect` is called. */
  pause(): void {
    this.#next();
    this.#state.value = { kind: "paused" };
    this.provider.disconnect();
  }

  /** Sends a frame as it is; false when no connection is open. */
  send(frame: Uint8Array<ArrayBuffer>): boolean {
    const socket = this.provider.ws;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(frame);
    return true;
  }

  destroy(): void {
    this.#next();
    this.#state.value = { kind: "paused" };
    window.removeEventListener("online", this.#onOnline);
    window.removeEventListener("offline", this.#onOffline);
    this.provider.destroy();
  }

  async #open(generation: number): Promise<void> {
    const credentials = this.#credentials;
    if (credentials.kind === "token") {
      const answer = await fetchTicket(credentials.token, this.#room);
      if (generation !== this.#generation) return;
      if (answer.kind === "refused") {
        this.#refused(closeInWords(answer.status === 401 ? 4401 : 4403), answer.detail);
        return;
      }
      if (answer.kind === "unreachable") {
        this.#wait(closeInWords(1006));
        return;
      }
      this.provider.params = { ticket: answer.ticket };
    } else if (credentials.kind === "ticket") {
      if (this.#ticketSpent) {
        this.#refused(closeInWords(4401), "A ticket opens one connection. Enter a new one.");
        return;
      }
      this.#ticketSpent = true;
      this.provider.params = { ticket: credentials.ticket };
    }
    this.provider.connect();
  }

  #ended(event: CloseEvent | null): void {
    // The provider would reconnect by its own timer; that is ours to do.
    this.provider.shouldConnect = false;
    if (this.#state.value.kind === "paused") return;
    this.#next();
    const close = closeInWords(event?.code ?? null, event?.reason);
    if (close.terminal) this.#refused(close, null);
    else this.#wait(close);
  }

  #wait(close: CloseInWords): void {
    this.#failures += 1;
    const delay = backoffMs(this.#failures, close.waitMs, Math.random());
    this.#state.value = { kind: "waiting", untilMs: Date.now() + delay, close };
    this.#timer = setTimeout(() => this.connect(), delay);
  }

  #refused(close: CloseInWords, detail: string | null): void {
    this.#next();
    this.#state.value = {
      kind: "closed",
      close: detail === null ? close : { ...close, detail: sentence(detail) },
    };
  }

  #enter(state: ConnectionState): void {
    // From here on the provider's own watchdog closes a socket on which nothing is heard.
    if (state.kind === "syncing") clearTimeout(this.#timer);
    this.#state.value = state;
  }

  /**
   * Tells the room anew who is here. When a connection ends, the server and the other tabs count
   * this tab's clock up by one to say that it is gone; a state with the old clock would be taken
   * for a late one and ignored until its next renewal.
   */
  #announce(): void {
    const { awareness } = this.provider;
    const state = awareness.getLocalState();
    if (state === null) return;
    awareness.setLocalState(state);
    awareness.setLocalState(state);
  }

  #timedOut(generation: number): void {
    if (generation !== this.#generation) return;
    // Half-open: a socket that neither opens nor fails. Its end leads to `#ended`, or, when the
    // ticket never came, there is none yet.
    if (this.provider.ws === null) {
      this.#next();
      this.#wait(closeInWords(1006));
    } else {
      this.provider.disconnect();
    }
  }

  #next(): number {
    clearTimeout(this.#timer);
    this.#generation += 1;
    return this.#generation;
  }

  readonly #onOnline = (): void => {
    if (this.#state.value.kind === "waiting") this.connect();
  };

  readonly #onOffline = (): void => {
    const { kind } = this.#state.value;
    if (kind !== "live" && kind !== "syncing") return;
    // Browsers keep a dead socket open for long; the person should know at once.
    this.provider.disconnect();
  };
}

function socketBase(location: Location): string {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${location.host}/collab`;
}
