import { type Changes, type Facets, Normaliser, type Operation, type View } from "bandpro-score";
import type * as Y from "yjs";
import { Comments } from "./comments/comments.ts";
import { ScoreError } from "./errors.ts";
import { Api, type Fetch, path } from "./http/api.ts";
import { Jobs } from "./http/jobs.ts";
import { Versions } from "./http/versions.ts";
import { httpBase } from "./link/address.ts";
import { Channel } from "./link/channel.ts";
import { type Connection, Link } from "./link/link.ts";
import type { ReloadReason } from "./link/policy.ts";
import { NOTHING_YET, type Saved, savedIn, type TallyEvent, tallied } from "./link/saved.ts";
import { type GiveToken, Tokens } from "./link/tokens.ts";
import { Keeper } from "./offline/keeper.ts";
import type { OfflineStorage } from "./offline/storage.ts";
import { Presence } from "./presence.ts";
import { Replica, type ScoreChange } from "./replica.ts";
import { Cell, Derived, isSame, Listeners, type Store } from "./store.ts";

export interface OpenOptions {
  /** Gives a token, before each connection and at each renewal; left out in open mode. */
  readonly token?: GiveToken | undefined;
  /** Where the score is kept on the device, so that it opens and is edited without a network. */
  readonly offline?: OfflineStorage | null | undefined;
  /** Under which key; with the person's id in it where several people share a device. */
  readonly offlineKey?: string | undefined;
  /** Whether to connect to the node where the room is at home; true if left out. */
  readonly followHome?: boolean | undefined;
  /** Where there is none, as in Node before version 22. */
  readonly WebSocket?: unknown;
  readonly fetch?: Fetch | undefined;
  /** Told of everything that goes wrong and that nobody waits for. */
  readonly onProblem?: ((problem: ScoreError) => void) | undefined;
}

/** How often the document was begun anew, why it was last, and how many edits were lost by that. */
export interface Replaced {
  readonly count: number;
  readonly reason: ReloadReason | null;
  readonly lost: number;
}

/** Whether there are edits of one's own to take back, or to make again. */
export interface Undoable {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
}

/** Undo and redo of one's own edits. */
export interface History {
  readonly state: Store<Undoable>;
  /** Takes back one's last edit, as far as others have not written over it; false for none. */
  undo(): boolean;
  redo(): boolean;
}

const HOME_WITHIN_MS = 2_000;

/** One score, live. It is connected, kept and edited until `close`. */
export class Score {
  readonly url: string;
  readonly room: string;
  readonly connection: Store<Connection>;
  readonly saved: Store<Saved>;
  /** The score as it is shown; worked out when asked for, measures only where they changed. */
  readonly view: Store<View>;
  /** Goes up with every change of the document. */
  readonly revision: Store<number>;
  readonly replaced: Store<Replaced>;
  readonly history: History;
  readonly presence: Presence;
  readonly comments: Comments;
  readonly versions: Versions;
  readonly jobs: Jobs;
  readonly #options: OpenOptions;
  readonly #link: Link;
  readonly #api: Api;
  readonly #view: Derived<View>;
  readonly #saved: Cell<Saved>;
  readonly #revision: Cell<number>;
  readonly #replaced: Cell<Replaced>;
  readonly #undoable: Cell<Undoable>;
  readonly #changes: Listeners<[ScoreChange]>;
  readonly #keeper: Keeper | null;
  #replica: Replica;
  #channel: Channel;
  #tally = NOTHING_YET;
  /** Nobody may ever ask what is shown: it begins with the first question. */
  #normaliser: Normaliser | null = null;
  /** Asked before anybody wants to know, once. */
  #homeAhead: Promise<string | null> | null = null;
  #isClosed = false;
  #isReady = false;

  constructor(url: string, room: string, options: OpenOptions) {
    this.url = url;
    this.room = room;
    this.#options = options;
    const base = httpBase(url);
    const tokens = new Tokens(options.token);
    const report = this.#report;
    this.#api = new Api(base, tokens, options.fetch);
    this.#link = new Link({
      base,
      room,
      tokens,
      report,
      webSocket: options.WebSocket,
      home: () => {
        const asked = this.#homeAhead ?? this.#home();
        this.#homeAhead = null;
        return asked;
      },
      reload: (reason) => this.#replace(reason),
    });
    this.connection = this.#link.connection;
    this.saved = this.#saved = new Cell(savedIn(this.#tally), report, isSame);
    this.revision = this.#revision = new Cell(0, report);
    const nothing: Replaced = { count: 0, reason: null, lost: 0 };
    this.replaced = this.#replaced = new Cell(nothing, report);
    this.#undoable = new Cell<Undoable>({ canUndo: false, canRedo: false }, report, isSame);
    this.history = {
      state: this.#undoable,
      undo: () => this.#editable().undo(),
      redo: () => this.#editable().redo(),
    };
    this.view = this.#view = new Derived(() => {
      this.#normaliser ??= new Normaliser(this.facets);
      return this.#normaliser.view();
    }, report);
    this.#changes = new Listeners(report);
    this.presence = new Presence(report);
    this.versions = new Versions(this.#api, room);
    this.jobs = new Jobs(this.#api, room);
    this.comments = new Comments({
      room,
      report,
      api: this.#api,
      link: this.#link,
      facets: () => this.facets,
    });
    this.#replica = this.#newReplica();
    this.#channel = this.#newChannel();
    const key = options.offlineKey ?? `${base} ${room}`;
    this.#keeper = options.offline ? new Keeper(options.offline, key, report) : null;
    void this.#begin();
  }

  /** The document; another one after a reload. */
  get doc(): Y.Doc {
    return this.#replica.doc;
  }

  /** The maps of the document, by facet: see `docs/score-schema.md`. */
  get facets(): Facets {
    return this.#replica.facets;
  }

  /** Whether this person may edit, by what the server said last. */
  get canEdit(): boolean {
    return this.#link.canEdit;
  }

  /**
   * Edits the score: all operations in one transaction, or none.
   *
   * @returns what was written.
   * @throws EditRefused for what the score does not allow as it is.
   * @throws ScoreError "read-only" or "closed".
   */
  edit(...operations: readonly Operation[]): Changes {
    return this.#editable().edit(operations);
  }

  /** Calls the listener after each transaction that changed the score; the answer ends that. */
  onChange(listener: (change: ScoreChange) => void): () => void {
    return this.#changes.add(listener);
  }

  /** Waits until the server's state is here. @throws ScoreError "denied" or "closed" */
  whenSynced(): Promise<void> {
    return this.#when(this.connection, () => this.connection.get().state === "synced");
  }

  /** Waits until all edits of one's own are on the server's disk. @throws ScoreError likewise */
  whenSaved(): Promise<void> {
    return this.#when(this.saved, () => this.saved.get().state === "saved");
  }

  /** Connects now, also after a denial. */
  retry(): void {
    if (!this.#isClosed && this.#isReady) this.#link.open();
  }

  /** Goes offline until `retry`. */
  pause(): void {
    this.#link.pause();
  }

  /** Drops what is kept on the device. */
  async forget(): Promise<void> {
    await this.#keeper?.clear();
  }

  /** Ends the connection and gives everything up. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.comments.destroy();
    this.#link.destroy();
    this.#replica.destroy();
    this.#changes.clear();
  }

  /** What is kept on the device comes first: the handshake brings edits that were made offline. */
  async #begin(): Promise<void> {
    // Where tokens are asked for, they are once: by the connection itself.
    if (this.#keeper && !this.#options.token) this.#homeAhead = this.#home();
    await this.#keeper?.load(this.doc);
    if (this.#isClosed) return;
    this.#isReady = true;
    this.#link.add(this.#channel);
    this.#link.open();
  }

  #newReplica(): Replica {
    return new Replica({
      changed: (change) => this.#changed(change),
      updated: (update, isLocal, origin) => {
        if (isLocal) this.#count({ kind: "edited" });
        if (origin !== this.#keeper) this.#keeper?.add(update);
      },
      historyChanged: () => this.#historyChanged(),
    });
  }

  #newChannel(): Channel {
    const { socket, token } = this.#link;
    const channel: Channel = new Channel(socket, this.room, this.doc, token, {
      entered: (canEdit) => this.#link.entered(canEdit),
      synced: () => this.#link.synced(),
      counted: (outstanding, isSynced) => {
        if (channel === this.#channel) this.#count({ kind: "counted", outstanding, isSynced });
      },
      editRefused: () => this.#count({ kind: "refused" }),
      ended: (code, reason) => {
        if (channel === this.#channel) this.#link.documentEnded(code, reason);
      },
    });
    this.presence.use(channel.awareness);
    return channel;
  }

  /** Begins the document anew: nothing of the old one may come back to the server. */
  #replace(reason: ReloadReason): void {
    const { unsaved } = this.#tally;
    const old = this.#replica;
    this.#link.drop(this.#channel);
    void this.#keeper?.clear();
    this.#replica = this.#newReplica();
    this.#channel = this.#newChannel();
    this.#count({ kind: "begun" });
    old.destroy();
    this.#replaced.set({ count: this.#replaced.get().count + 1, reason, lost: unsaved });
    this.#historyChanged();
    this.#changed({ keys: new Map(), isLocal: false, askedMs: null, isReplaced: true });
    this.#link.add(this.#channel);
  }

  #changed(change: ScoreChange): void {
    if (change.isReplaced) this.#normaliser = null;
    else this.#normaliser?.change(change.keys);
    this.#view.stale();
    this.comments.moved();
    this.#revision.set(this.#revision.get() + 1);
    this.#changes.tell(change);
  }

  #count(event: TallyEvent): void {
    this.#tally = tallied(this.#tally, event);
    this.#saved.set(savedIn(this.#tally));
  }

  #historyChanged(): void {
    const { canUndo, canRedo } = this.#replica;
    this.#undoable.set({ canUndo, canRedo });
  }

  #editable(): Replica {
    if (this.#isClosed) throw new ScoreError("closed", "The score was closed.");
    if (!this.canEdit) throw new ScoreError("read-only", "You may read this score, not edit it.");
    return this.#replica;
  }

  /** Where the room is at home; the common address where nobody says. */
  async #home(): Promise<string | null> {
    if (this.#options.followHome === false) return null;
    const asked = new AbortController();
    const timer = setTimeout(() => asked.abort(), HOME_WITHIN_MS);
    try {
      const { address } = await this.#api.json<{ address: string | null }>(
        path`/rooms/${this.room}/node`,
        { signal: asked.signal },
      );
      return address === null ? null : httpBase(address);
    } catch {
      return null; // only a hint: the connection will tell what is wrong
    } finally {
      clearTimeout(timer);
    }
  }

  #when(store: Store<unknown>, isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const ends: (() => void)[] = [];
      const look = (): void => {
        const now = this.connection.get();
        if (!isSo() && !this.#isClosed && now.state !== "denied") return;
        for (const end of ends) end();
        if (this.#isClosed) reject(new ScoreError("closed", "The score was closed."));
        else if (isSo()) resolve();
        else if (now.state === "denied") reject(new ScoreError("denied", now.reason));
      };
      ends.push(store.subscribe(look), this.connection.subscribe(look));
      look();
    });
  }

  readonly #report = (thrown: unknown): void => {
    const problem =
      thrown instanceof ScoreError
        ? thrown
        : new ScoreError("defect", `A listener failed: ${String(thrown)}`, thrown);
    try {
      this.#options.onProblem?.(problem);
    } catch {
      // Whoever is told of problems has to cope with their own.
    }
  };
}

/**
 * Opens a score.
 *
 * @param url of the server: `https://collab.example`.
 * @param room the score's name.
 */
export function openScore(url: string, room: string, options: OpenOptions = {}): Score {
  return new Score(url, room, options);
}
