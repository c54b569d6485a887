import { ScoreError, wordsOf } from "../errors.ts";
import { Cell, isSame, type Store } from "../store.ts";
import { socketUrl } from "./address.ts";
import type { Channel } from "./channel.ts";
import { pauseMs, type ReloadReason, type Remedy, type Verdict, verdictOn } from "./policy.ts";
import { LOST, Socket } from "./socket.ts";
import type { Tokens } from "./tokens.ts";

/**
 * How the connection stands.
 *
 *     connecting -> synced         the socket opened, the person may enter, the state is here
 *     any        -> offline        it ended; `retryAtMs` says when the next try is due
 *     any        -> denied         it ended for good: there is no next try before `retry()`
 *     offline    -> connecting     its time has come
 */
export type Connection =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "synced"; readonly canEdit: boolean }
  | {
      readonly state: "offline";
      readonly retryAtMs: number | null;
      readonly code: number;
      readonly reason: string;
    }
  | {
      readonly state: "denied";
      readonly code: number;
      readonly reason: string;
      readonly remedy: Remedy;
    };

export interface LinkSetup {
  readonly base: string;
  readonly room: string;
  readonly tokens: Tokens;
  readonly webSocket: unknown;
  /** Where the room is at home; null for nowhere in particular. */
  readonly home: () => Promise<string | null>;
  readonly report: (problem: unknown) => void;
  /** The document has to be begun anew: its channel is to be dropped, and another one added. */
  readonly reload: (reason: ReloadReason) => void;
}

const OPENED_WITHIN_MS = 15_000;
const OFFLINE = "the network is gone";
const UNAUTHENTICATED = 4401;
const RETRY: Verdict = { kind: "retry", leastMs: 0 };
const SIGN_IN: Verdict = { kind: "stop", remedy: "sign-in" };

/** One socket with the document of a score on it, and what becomes of it when it ends. */
export class Link {
  readonly socket: Socket;
  readonly #setup: LinkSetup;
  readonly #connection: Cell<Connection>;
  readonly #channels = new Set<Channel>();
  #session = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  #failures = 0;
  #isReloading = false;
  #canEdit = true;
  #isWanted = false;
  #avoidsHome = false;
  #refusedToken: string | null = null;

  constructor(setup: LinkSetup) {
    this.#setup = setup;
    this.#connection = new Cell<Connection>(
      { state: "connecting", attempt: 1 },
      setup.report,
      isSame,
    );
    this.socket = new Socket(socketUrl(setup.base, setup.room), setup.webSocket, {
      ended: (code, reason) => queueMicrotask(() => this.#socketEnded(code, reason)),
    });
    listen("addEventListener", "online", this.#onOnline);
    listen("addEventListener", "offline", this.#onOffline);
  }

  get connection(): Store<Connection> {
    return this.#connection;
  }

  /** What the server said last about it. */
  get canEdit(): boolean {
    return this.#canEdit;
  }

  /** Whether nothing will come of it any more by itself. */
  get isOver(): boolean {
    return this.#connection.get().state === "denied" || !this.#isWanted;
  }

  /** Puts a document on the socket. */
  add(channel: Channel): void {
    this.#channels.add(channel);
    channel.attach();
  }

  /** Takes a document off it. */
  drop(channel: Channel): void {
    this.#channels.delete(channel);
    channel.destroy();
  }

  /** What the token of a document's sign-in, or of its renewal, is. */
  token = (isFirst: boolean): Promise<string | null> => {
    const { tokens } = this.#setup;
    return isFirst ? Promise.resolve(tokens.current) : tokens.renewed(this.#session.signal);
  };

  /** Connects now instead of when its time comes, and also after a denial. */
  open(): void {
    this.#isWanted = true;
    const { state } = this.#connection.get();
    if (state === "synced" || this.socket.webSocket !== null) return;
    this.#refusedToken = null;
    this.#try();
  }

  /** Goes offline until `open` is called. */
  pause(reason = "paused"): void {
    this.#isWanted = false;
    this.#next();
    this.#session.abort();
    this.socket.cut(1000, reason);
    this.#connection.set({ state: "offline", retryAtMs: null, code: 1000, reason });
  }

  destroy(): void {
    this.pause("closed");
    listen("removeEventListener", "online", this.#onOnline);
    listen("removeEventListener", "offline", this.#onOffline);
    for (const channel of [...this.#channels]) this.drop(channel);
    this.socket.destroy();
  }

  /** The main document was entered, or what the person may do there has changed. */
  entered(canEdit: boolean): void {
    this.#avoidsHome = false;
    this.#canEdit = canEdit;
    if (this.#connection.get().state === "synced") {
      this.#connection.set({ state: "synced", canEdit });
    }
  }

  /** The main document is in step with the server. */
  synced(): void {
    this.#failures = 0;
    this.#isReloading = false;
    this.#refusedToken = null;
    this.#connection.set({ state: "synced", canEdit: this.#canEdit });
  }

  /** The server ended the main document. */
  documentEnded(code: number, reason: string): void {
    if (!this.#isWanted) return;
    const verdict = verdictOn(code);
    if (verdict.kind === "reload" && !this.#isReloading) {
      this.#isReloading = true; // until it is in step: a second one in a row has to wait
      this.#connection.set({ state: "connecting", attempt: this.#failures + 1 });
      this.#setup.reload(verdict.reason);
      return;
    }
    this.#after(verdict, code, reason);
    this.socket.cut(code, reason);
    if (verdict.kind === "reload") this.#setup.reload(verdict.reason);
  }

  #try(): void {
    const turn = this.#next();
    this.#connection.set({ state: "connecting", attempt: this.#failures + 1 });
    this.#session = new AbortController();
    this.#timer = setTimeout(() => this.#timedOut(turn), OPENED_WITHIN_MS);
    this.#open(turn).catch((error: unknown) => {
      if (turn !== this.#turn) return;
      this.#setup.report(error);
      this.#after(RETRY, 0, wordsOf(error));
    });
  }

  async #open(turn: number): Promise<void> {
    const { base, room, tokens, home } = this.#setup;
    const token = await tokens.fresh();
    if (turn !== this.#turn) return;
    if (token !== null && token === this.#refusedToken) {
      this.#after(SIGN_IN, UNAUTHENTICATED, "the token was refused");
      return;
    }
    const at = this.#avoidsHome ? null : await home();
    if (turn !== this.#turn) return;
    this.#avoidsHome = at !== null; // until it has let us in
    this.socket.open(socketUrl(at ?? base, room));
  }

  #socketEnded(code: number, reason: string): void {
    const { state } = this.#connection.get();
    // Whatever ended it knew, and has seen to what comes next.
    if (!this.#isWanted || state === "denied" || state === "offline") return;
    const verdict = verdictOn(code);
    this.#after(verdict, code, reason);
    if (verdict.kind === "reload") this.#setup.reload(verdict.reason);
  }

  #after(verdict: Verdict, code: number, reason: string): void {
    this.#next();
    this.#session.abort();
    if (verdict.kind === "stop") {
      this.#deny(code, reason, verdict.remedy);
    } else if (verdict.kind === "token") {
      this.#afterRefusedToken(code, reason);
    } else {
      const leastMs = verdict.kind === "retry" ? verdict.leastMs : 0;
      this.#wait(pauseMs(this.#failures + 1, leastMs, Math.random()), code, reason);
    }
  }

  /** Comes back at once, once: with a token that is not the one that was refused. */
  #afterRefusedToken(code: number, reason: string): void {
    const refused = this.#setup.tokens.current;
    const isSecond = this.#refusedToken !== null;
    if (refused === null || isSecond) {
      this.#deny(code, reason, "sign-in");
      return;
    }
    this.#refusedToken = refused;
    this.#wait(0, code, reason);
  }

  #wait(ms: number, code: number, reason: string): void {
    this.#failures += 1;
    this.#connection.set({ state: "offline", retryAtMs: Date.now() + ms, code, reason });
    this.#timer = setTimeout(() => this.#try(), ms);
  }

  #deny(code: number, reason: string, remedy: Remedy): void {
    this.#connection.set({ state: "denied", code, reason, remedy });
    this.#setup.report(new ScoreError("denied", reason || `The server said ${code}.`));
  }

  #timedOut(turn: number): void {
    if (turn !== this.#turn || this.socket.lastMessageReceived > 0) return;
    this.socket.cut(LOST, "");
    this.#after(RETRY, LOST, "");
  }

  #next(): number {
    clearTimeout(this.#timer);
    this.#turn += 1;
    return this.#turn;
  }

  readonly #onOnline = (): void => {
    const now = this.#connection.get();
    if (now.state === "offline" && now.retryAtMs !== null) this.#try();
  };

  readonly #onOffline = (): void => {
    // Browsers keep a dead socket open for long; the person should know at once.
    if (!this.#isWanted || this.socket.webSocket === null) return;
    this.socket.cut(LOST, OFFLINE);
    this.#after(RETRY, LOST, OFFLINE);
  };
}

/** Where there are such events: in browsers. */
function listen(
  method: "addEventListener" | "removeEventListener",
  event: "online" | "offline",
  listener: () => void,
): void {
  (globalThis as Partial<typeof globalThis>)[method]?.(event, listener);
}
