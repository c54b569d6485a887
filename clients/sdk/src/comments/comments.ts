import type { Facets } from "bandpro-score";
import * as Y from "yjs";
import { ScoreError } from "../errors.ts";
import { type Api, path } from "../http/api.ts";
import { newId } from "../ids.ts";
import { Channel } from "../link/channel.ts";
import type { Link } from "../link/link.ts";
import { pauseMs, verdictOn } from "../link/policy.ts";
import { Derived, type Store } from "../store.ts";
import { type Onset, type Thread, threadsIn } from "./threads.ts";

/** What a thread is about: an element, a place, or the whole score where nothing is named. */
export interface CommentPlace {
  readonly element?: string;
  readonly measure?: string;
  readonly part?: string;
  readonly onset?: Onset;
}

export interface CommentsSetup {
  readonly room: string;
  readonly api: Api;
  readonly link: Link;
  readonly facets: () => Facets;
  readonly report: (problem: unknown) => void;
}

const SUFFIX = "/~comments";
const LINGER_MS = 5_000;

/** The comments on a score: read live on the score's own connection, written over HTTP. */
export class Comments {
  /** Oldest first; kept up to date while somebody subscribes to it. */
  readonly threads: Store<readonly Thread[]>;
  readonly #threads: Derived<readonly Thread[]>;
  readonly #setup: CommentsSetup;
  #doc = new Y.Doc();
  #channel: Channel | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isWatched = false;

  constructor(setup: CommentsSetup) {
    this.#setup = setup;
    this.threads = this.#threads = new Derived(
      () => this.#read(),
      setup.report,
      (isWatched) => this.#watch(isWatched),
    );
  }

  /** Begins a thread; gives its id once it is on the server's disk. */
  async begin(
    text: string,
    place: CommentPlace = {},
    mentions: readonly string[] = [],
  ): Promise<string> {
    const json = { text, place, mentions };
    const made = await this.#post<{ thread_id: string }>(this.#path(), json);
    return made.thread_id;
  }

  /** Replies in a thread; gives the id of the message. */
  async reply(thread: string, text: string, mentions: readonly string[] = []): Promise<string> {
    const where = this.#path() + path`/${thread}/messages`;
    const told = await this.#post<{ messages: { message_id: string }[] }>(where, {
      text,
      mentions,
    });
    return told.messages.at(-1)?.message_id ?? "";
  }

  /** Says something else than before; for its author. */
  async edit(
    thread: string,
    message: string,
    text: string,
    mentions: readonly string[] = [],
  ): Promise<void> {
    const where = this.#path() + path`/${thread}/messages/${message}`;
    await this.#setup.api.ask(where, { method: "PATCH", json: { text, mentions } });
  }

  /** Settles a thread, or opens it again. */
  async resolve(thread: string, isResolved = true): Promise<void> {
    const json = { is_resolved: isResolved };
    await this.#setup.api.ask(this.#path() + path`/${thread}`, { method: "PATCH", json });
  }

  /** Deletes a thread, or one message of it. */
  async remove(thread: string, message?: string): Promise<void> {
    const where = message === undefined ? path`/${thread}` : path`/${thread}/messages/${message}`;
    await this.#setup.api.ask(this.#path() + where, { method: "DELETE" });
  }

  /** The score has changed, and with it maybe where threads stand. */
  moved(): void {
    if (this.#isWatched) this.#threads.stale();
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#close();
  }

  #post<T>(where: string, json: unknown): Promise<T> {
    return this.#setup.api.json<T>(where, { method: "POST", json, key: newId() });
  }

  #path(): string {
    return path`/rooms/${this.#setup.room}/comments`;
  }

  #read(): readonly Thread[] {
    const maps = {
      threads: this.#doc.getMap("threads").entries(),
      messages: this.#doc.getMap("messages").entries(),
      resolved: this.#doc.getMap("resolved").entries(),
    };
    return threadsIn(maps, this.#setup.facets());
  }

  #watch(isWatched: boolean): void {
    this.#isWatched = isWatched;
    clearTimeout(this.#timer);
    if (!isWatched) this.#timer = setTimeout(() => this.#close(), LINGER_MS);
    else if (this.#channel === null) this.#open();
  }

  #open(): void {
    const { room, link } = this.#setup;
    const doc = new Y.Doc();
    // What is shown stays until the server's state is here.
    const changed = (): void => {
      this.#doc = doc;
      this.#threads.stale();
    };
    doc.on("update", changed);
    const channel = new Channel(link.socket, room + SUFFIX, doc, link.token, {
      entered: () => {},
      synced: () => {
        this.#failures = 0;
        changed();
      },
      counted: () => {},
      editRefused: () => {},
      ended: (code, reason) => this.#ended(channel, code, reason),
    });
    // Nobody is shown there: who is in the room is shown in the score.
    channel.awareness.setLocalState(null);
    this.#channel = channel;
    link.add(channel);
  }

  #close(): void {
    if (this.#channel !== null) this.#setup.link.drop(this.#channel);
    this.#channel = null;
  }

  #ended(channel: Channel, code: number, reason: string): void {
    if (channel !== this.#channel) return;
    this.#close();
    const verdict = verdictOn(code);
    if (verdict.kind === "stop") {
      this.#setup.report(new ScoreError("denied", `Comments: ${reason}`));
      return;
    }
    this.#failures += 1;
    const ms = pauseMs(
      this.#failures,
      verdict.kind === "retry" ? verdict.leastMs : 0,
      Math.random(),
    );
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#isWatched && !this.#setup.link.isOver) this.#open();
    }, ms);
  }
}
