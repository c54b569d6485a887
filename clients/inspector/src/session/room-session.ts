import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { RoomConnection } from "../connection/room-connection.ts";
import { frameOfUpdate } from "../connection/socket-tap.ts";
import type { Credentials } from "../connection/tickets.ts";
import { BY_HAND } from "../document/edits.ts";
import { type Path, pathId } from "../document/nodes.ts";
import { type Identity, storeName } from "../presence/identity.ts";
import { cleanName, type Person, peopleOf } from "../presence/people.ts";
import { stampedName } from "../presence/stamped-name.ts";
import { SavedTracker } from "../saved/saved-tracker.ts";
import type { ScoreModel } from "../score/score-model.ts";
import { DocumentWatch } from "./document-watch.ts";
import { FrameBatch } from "./frame-batch.ts";
import { HIGHLIGHT_MS, Highlights } from "./highlights.ts";
import { type SavedState, savedStateOf } from "./saved-state.ts";
import { ScoreOfDocument } from "./score-of-document.ts";

const RESEND_BYTES_MAX = 256 * 1024;
const KNOWN_MAX = 2000;
const OTHER_COLOR = "#8a8f98";

/**
 * One room as this tab knows it: the document, the connection, who is here, and what changed.
 *
 * Everything that is shown reads signals of this object; `frame` rises once for each picture in
 * which the document, its activity or its highlights look different.
 */
export class RoomSession {
  readonly room: string;
  readonly doc = new Y.Doc();
  readonly awareness = new Awareness(this.doc);
  readonly connection: RoomConnection;
  readonly watch: DocumentWatch;
  readonly highlights = new Highlights();
  readonly undo: Y.UndoManager;
  readonly identity: ReadonlySignal<Identity>;
  readonly people: ReadonlySignal<readonly Person[]>;
  readonly saved: ReadonlySignal<SavedState>;
  readonly readOnly: ReadonlySignal<boolean>;
  /** True once the whole document has been received. */
  readonly loaded: ReadonlySignal<boolean>;
  /** Rises when what is shown of the document may look different. */
  readonly frame: ReadonlySignal<number>;
  /** Rises when rows of the tree may have come or gone. */
  readonly structure: ReadonlySignal<number>;
  /** True when the name comes from the token, so that it cannot be chosen here. */
  readonly nameFixed: ReadonlySignal<boolean>;

  readonly #tracker = new SavedTracker(this.doc.clientID);
  readonly #score = new ScoreOfDocument(this.doc);
  readonly #batch = new FrameBatch(() => this.#flush());
  readonly #identity;
  readonly #known = new Map<number, Pick<Person, "name" | "color">>();
  readonly #people = signal<readonly Person[]>([]);
  readonly #unsaved = signal(0);
  readonly #readOnly = signal(false);
  readonly #loaded = signal(false);
  readonly #frame = signal(0);
  readonly #structure = signal(0);
  readonly #nameFixed = signal(false);
  #askedForDifference = false;
  #shared = "";
  readonly #endings: Array<() => void> = [];

  /** @param unfolded tells by its id whether a row of the tree is unfolded. */
  constructor(
    room: string,
    credentials: Credentials,
    identity: Identity,
    unfolded: (id: string) => boolean,
  ) {
    this.room = room;
    this.#identity = signal(identity);
    this.identity = this.#identity;
    this.connection = new RoomConnection(room, this.doc, this.awareness, credentials);
    this.people = this.#people;
    this.readOnly = this.#readOnly;
    this.loaded = this.#loaded;
    this.frame = this.#frame;
    this.structure = this.#structure;
    this.nameFixed = this.#nameFixed;
    this.saved = computed(() =>
      savedStateOf(this.#unsaved.value, this.connection.state.value.kind, this.#readOnly.value),
    );
    const isRemote = (origin: unknown): boolean => origin === this.connection.provider;
    this.watch = new DocumentWatch(this.doc, isRemote, unfolded, () => this.#batch.ask());
    this.undo = new Y.UndoManager(this.doc, { trackedOrigins: new Set([BY_HAND]) });
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (isRemote(origin)) return;
      this.#tracker.recordLocal(update);
      this.#unsaved.value = this.#tracker.unsavedCount;
    });
    this.#listen();
    this.#endings.push(effect(() => this.#onConnection(this.connection.state.value.kind)));
    this.awareness.on("change", this.#readPeople);
    this.awareness.setLocalState({ user: { ...identity } });
    this.connection.connect();
  }

  /** The score, when the document holds one. */
  get score(): ScoreModel | null {
    return this.#score.model;
  }

  rename(name: string): void {
    const clean = cleanName(name);
    if (clean === null || clean === this.#identity.value.name) return;
    this.#identity.value = { ...this.#identity.value, name: clean };
    storeName(clean);
    this.awareness.setLocalStateField("user", { ...this.#identity.value });
  }

  /** Tells the others which element is selected, and on which row of the tree this tab is. */
  share(selectionId: string | null, row: Path | null): void {
    const state = this.awareness.getLocalState();
    if (state === null) return;
    const selection = selectionId === null ? null : { id: selectionId };
    const focus = row === null ? null : { row: pathId(row) };
    const shared = JSON.stringify([selection, focus]);
    if (shared === this.#shared) return;
    this.#shared = shared;
    this.awareness.setLocalState({ ...state, selection, focus });
  }

  destroy(): void {
    for (const end of this.#endings) end();
    this.#batch.end();
    this.watch.end();
    this.connection.destroy();
    this.awareness.destroy();
    this.undo.destroy();
    this.doc.destroy();
  }

  #listen(): void {
    this.connection.listen({
      updateReceived: (update) => {
        if (this.#tracker.acknowledge(update) > 0) {
          this.#unsaved.value = this.#tracker.unsavedCount;
        }
      },
      differenceAsked: (update) => {
        this.#askedForDifference = true;
        this.#readOnly.value = false;
        if (this.#tracker.unsavedCount === 0) return;
        this.#tracker.recordSentWhole(update);
        // After the provider's own answer, which the server need not confirm.
        queueMicrotask(() => this.#resend());
      },
      differenceReceived: () => {
        // Who may edit is asked what the server lacks, before anything else is said.
        this.#readOnly.value = !this.#askedForDifference;
      },
      permissionDenied: () => {
        this.#readOnly.value = true;
      },
      awarenessReceived: (update) => {
        const client = this.awareness.clientID;
        const clock = this.awareness.meta.get(client)?.clock ?? 0;
        const name = stampedName(update, client, clock, this.#identity.value.name);
        if (name === null) return;
        this.#nameFixed.value = true;
        this.#identity.value = { ...this.#identity.value, name };
        this.awareness.setLocalStateField("user", { ...this.#identity.value });
      },
    });
  }

  #resend(): void {
    for (const batch of this.#tracker.takeBatches(RESEND_BYTES_MAX)) {
      this.connection.send(frameOfUpdate(batch));
    }
  }

  #onConnection(kind: string): void {
    if (kind === "live") {
      this.#loaded.value = true;
      this.#batch.ask();
    } else if (kind !== "syncing") {
      this.#askedForDifference = false;
      this.#tracker.connectionLost();
    }
  }

  #flush(): void {
    const changes = this.watch.take();
    this.#score.changed(changes.facets);
    const now = Date.now();
    this.highlights.expire(now);
    for (const { path, client } of changes.remote) {
      this.highlights.add(path, this.#colorOf(client), now);
    }
    if (changes.remote.length > 0) setTimeout(() => this.#batch.ask(), HIGHLIGHT_MS + 20);
    batch(() => {
      if (changes.rows) this.#structure.value += 1;
      this.#frame.value += 1;
    });
  }

  /** Who a client id belongs to, or belonged to when they were here. */
  personOf(client: number): Pick<Person, "name" | "color"> | null {
    return this.#known.get(client) ?? null;
  }

  #colorOf(client: number | null): string {
    return (client === null ? null : this.personOf(client)?.color) ?? OTHER_COLOR;
  }

  readonly #readPeople = (): void => {
    const people = peopleOf(this.awareness.getStates(), this.awareness.clientID);
    for (const { client, name, color } of people) this.#known.set(client, { name, color });
    for (const client of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) break;
      this.#known.delete(client);
    }
    this.#people.value = people;
  };
}
