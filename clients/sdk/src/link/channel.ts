import { HocuspocusProvider } from "@hocuspocus/provider";
import { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { saidIn } from "./frames.ts";
import type { Socket } from "./socket.ts";

export interface ChannelEvents {
  /** The server let this person in. */
  entered(canEdit: boolean): void;
  /** The server's state is here. */
  synced(): void;
  /** The provider's count of what is not acknowledged has changed. */
  counted(outstanding: number, isSynced: boolean): void;
  /** An edit was not taken. */
  editRefused(): void;
  /** The server ended this document, and maybe not its socket. */
  ended(code: number, reason: string): void;
}

/** One document on a socket, over the stock provider. */
export class Channel {
  readonly doc: Y.Doc;
  readonly awareness: Awareness;
  readonly #provider: HocuspocusProvider;
  readonly #events: ChannelEvents;
  #hasEnded = false;
  #hasEntered = false;

  /**
   * @param room names the document.
   * @param token gives what to sign in with; `isFirst` says whether a connection begins with it.
   */
  constructor(
    socket: Socket,
    room: string,
    doc: Y.Doc,
    token: (isFirst: boolean) => Promise<string | null>,
    events: ChannelEvents,
  ) {
    this.doc = doc;
    this.awareness = new Awareness(doc);
    this.#events = events;
    let isFirst = true;
    this.#provider = new HocuspocusProvider({
      websocketProvider: socket,
      name: room,
      document: doc,
      awareness: this.awareness,
      token: async () => {
        const given = token(isFirst);
        isFirst = false;
        return (await given) ?? "";
      },
    });
    this.#provider.on("open", () => {
      this.#hasEnded = false;
    });
    this.#provider.on("close", () => {
      isFirst = true;
      events.counted(this.#provider.unsyncedChanges, false);
    });
    this.#provider.on("authenticated", ({ scope }: { scope: string }) => {
      if (this.#hasEntered) this.#announce();
      this.#hasEntered = true;
      events.entered(scope !== "readonly");
    });
    this.#provider.on("synced", () => events.synced());
    this.#provider.on("unsyncedChanges", () => this.#count());
    this.#provider.on("message", ({ event }: { event: { data: ArrayBuffer } }) =>
      this.#look(new Uint8Array(event.data)),
    );
  }

  /** Signs in, now if the socket is open. */
  attach(): void {
    this.#provider.attach();
  }

  /** Leaves; the document and its awareness cannot be used again. */
  destroy(): void {
    this.#hasEnded = true;
    this.#provider.destroy();
  }

  #count(): void {
    this.#events.counted(this.#provider.unsyncedChanges, this.#provider.isSynced);
  }

  #look(frame: Uint8Array): void {
    const said = saidIn(frame);
    if (said?.kind === "refused-edit") this.#events.editRefused();
    if (said?.kind !== "ended" || this.#hasEnded) return;
    this.#hasEnded = true;
    // The provider has yet to read this frame.
    queueMicrotask(() => this.#events.ended(said.code, said.reason));
  }

  /**
   * Shows one's state anew. When a connection ended, everybody counted its clock up by one to say
   * that it is gone; the same state with the old clock would be taken for a late one.
   */
  #announce(): void {
    const state = this.awareness.getLocalState();
    if (state === null) return;
    this.awareness.setLocalState(state);
    this.awareness.setLocalState(state);
  }
}
