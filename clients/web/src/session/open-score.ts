import { HocuspocusProvider, HocuspocusProviderWebsocket } from "@hocuspocus/provider";
import {
  apply,
  type Changes,
  type Facets,
  normalise,
  type Operation,
  planAll,
  type View,
} from "bandpro-score";
import * as Y from "yjs";
import { type Person, peopleOf, type Shown } from "./people.ts";
import { Cell, type Store } from "./store.ts";

export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "synced"; readonly canEdit: boolean }
  | { readonly state: "offline" }
  | { readonly state: "denied"; readonly reason: string };

/** `unsaved`: own edits that are not on the server's disk yet. */
export interface Saved {
  readonly state: "saved" | "saving" | "offline";
  readonly unsaved: number;
}

/** A score that is open, with those who are in it. */
export interface Score {
  readonly room: string;
  readonly connection: Store<Connection>;
  readonly saved: Store<Saved>;
  /** Goes up with every change of the document. */
  readonly revision: Store<number>;
  readonly facets: Facets;
  readonly people: Store<readonly Person[]>;
  readonly history: {
    readonly state: Store<{ readonly canUndo: boolean; readonly canRedo: boolean }>;
    undo(): void;
    redo(): void;
    /** The next edit is a step of its own. */
    pause(): void;
  };
  view(): View;
  /** Writes operations as one transaction; throws `EditRefused` where the score does not allow it. */
  edit(...operations: readonly Operation[]): Changes;
  show(part: Shown): void;
  pause(): void;
  retry(): void;
  close(): void;
}

export interface OpenOptions {
  readonly token?: () => Promise<string>;
}

const FACETS = [
  ...["meta", "parts", "measures", "ev", "pt", "nx"],
  ...["sp", "dir", "ly", "attr", "lay", "raw"],
];
const NEVER_MERGE_MS = 3_600_000;

/** Opens a room; edits made while it is out of reach wait in memory. */
export function openScore(origin: string, room: string, options: OpenOptions = {}): Score {
  const doc = new Y.Doc();
  const facets = Object.fromEntries(FACETS.map((name) => [name, doc.getMap(name)]));
  const connection = new Cell<Connection>({ state: "connecting" });
  const saved = new Cell<Saved>({ state: "saving", unsaved: 0 });
  const people = new Cell<readonly Person[]>([]);
  const revision = new Cell(0);
  const socket = new HocuspocusProviderWebsocket({
    url: `${origin.replace(/^http/, "ws")}/hocuspocus`,
    delay: 500,
    maxDelay: 8_000,
  });
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name: room,
    document: doc,
    ...(options.token ? { token: options.token } : {}),
  });
  provider.attach();
  let isPaused = false;
  const tellSaved = () => {
    const unsaved = provider.unsyncedChanges;
    const isLive = connection.get().state === "synced";
    saved.set({ state: isLive ? (unsaved === 0 ? "saved" : "saving") : "offline", unsaved });
  };
  const become = (next: Connection) => {
    connection.set(next);
    tellSaved();
  };
  provider.on("synced", () =>
    become({ state: "synced", canEdit: provider.authorizedScope !== "readonly" }),
  );
  provider.on("authenticationFailed", ({ reason }: { reason: string }) =>
    become({ state: "denied", reason }),
  );
  provider.on("unsyncedChanges", tellSaved);
  provider.on("disconnect", () => {
    if (connection.get().state !== "denied") {
      become({ state: "offline" });
    }
  });
  const { awareness } = provider;
  const tellPeople = () => people.set(peopleOf(awareness?.getStates() ?? new Map(), doc.clientID));
  awareness?.on("change", tellPeople);
  const undos = new Y.UndoManager(Object.values(facets), {
    trackedOrigins: new Set([doc]),
    captureTimeout: NEVER_MERGE_MS,
  });
  const steps = new Cell({ canUndo: false, canRedo: false });
  const tellSteps = () => {
    const next = { canUndo: undos.canUndo(), canRedo: undos.canRedo() };
    const was = steps.get();
    if (next.canUndo !== was.canUndo || next.canRedo !== was.canRedo) {
      steps.set(next);
    }
  };
  undos.on("stack-item-added", tellSteps);
  undos.on("stack-item-popped", tellSteps);
  let seen: { readonly revision: number; readonly view: View } | null = null;
  doc.on("update", () => revision.set(revision.get() + 1));
  return {
    room,
    connection,
    saved,
    revision,
    facets,
    people,
    history: {
      state: steps,
      undo: () => undos.undo(),
      redo: () => undos.redo(),
      pause: () => undos.stopCapturing(),
    },
    view() {
      if (seen?.revision !== revision.get()) {
        seen = { revision: revision.get(), view: normalise(facets) };
      }
      return seen.view;
    },
    edit(...operations) {
      const changes = planAll(facets, operations, () => `n${crypto.randomUUID()}`);
      doc.transact(() => apply((facet) => doc.getMap(facet), changes), doc);
      return changes;
    },
    show: (part) => awareness?.setLocalState({ ...awareness.getLocalState(), ...part }),
    pause() {
      isPaused = true;
      socket.disconnect();
      become({ state: "offline" });
    },
    retry() {
      if (isPaused || connection.get().state === "offline") {
        isPaused = false;
        void socket.connect();
      }
    },
    close() {
      undos.destroy();
      provider.destroy();
      socket.destroy();
      doc.destroy();
    },
  };
}
