import { computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { type Credentials, credentialsOf } from "../connection/tickets.ts";
import { kindOf, type Path, pathId, pathOfId, sizeOf } from "../document/nodes.ts";
import { SCORE_FACETS } from "../document/root-types.ts";
import { compareKeys } from "../document/sorted-keys.ts";
import { filteredRows, rootsOf, rowsOf, type TreeRow } from "../document/tree-rows.ts";
import { loadIdentity } from "../presence/identity.ts";
import { fetchRoomNames } from "../room/known-rooms.ts";
import {
  CLUSTER_HASH,
  checkRoomName,
  DEFAULT_ROOM,
  hashOfRoom,
  roomOfLocation,
} from "../room/room-name.ts";
import { readStored, writeStored } from "../room/stored.ts";
import { RoomSession } from "../session/room-session.ts";

export type Dialog = "help" | "access";

export type Page = "room" | "cluster";

export interface Toast {
  id: number;
  text: string;
  /** True when the toast offers to take the last edit back. */
  undo: boolean;
}

const CREDENTIALS_KEY = "bandpro.token";
const RECENT_KEY = "bandpro.rooms";
const RECENT_MAX = 8;
const TOAST_MS = 6000;
const GLANCE_ROOTS_MAX = 4;
const GLANCE_ENTRIES_MAX = 20;

/** What the page shows: which room, what is selected and unfolded, which dialog is open. */
export class AppState {
  /** A room stays open behind the page of the cluster. */
  readonly page = signal<Page>("room");
  readonly session = signal<RoomSession | null>(null);
  readonly room = signal(DEFAULT_ROOM);
  /** Why the name in the address opens no room; null when it does. */
  readonly roomError = signal<string | null>(null);
  readonly recentRooms = signal<readonly string[]>(readRecent());
  /** Rooms that the server told of. */
  readonly knownRooms = signal<readonly string[]>([]);
  readonly suggestedRooms = computed(() => [
    ...new Set([...this.recentRooms.value, ...this.knownRooms.value]),
  ]);
  readonly credentials = signal<Credentials>(readCredentials());
  readonly dialog = signal<Dialog | null>(null);
  readonly toasts = signal<readonly Toast[]>([]);
  /** Read out by screen readers. */
  readonly announcement = signal("");

  readonly filter = signal("");
  readonly expanded = signal<ReadonlySet<string>>(new Set());
  readonly selectedRow = signal<string | null>(null);
  readonly selectedNote = signal<string | null>(null);
  /** The measure that sounds just now. */
  readonly sounding = signal<string | null>(null);
  /** A row that the tree is to bring into view; the number rises with each request. */
  readonly reveal = signal<{ id: string; request: number } | null>(null);
  readonly editing = signal<string | null>(null);
  readonly rows: ReadonlySignal<readonly TreeRow[]>;

  #toastId = 0;
  #stopUnfolding: (() => void) | null = null;
  #expandedByRoom = new Map<string, ReadonlySet<string>>();

  constructor() {
    this.rows = computed(() => {
      const session = this.session.value;
      if (session === null) return [];
      session.structure.value;
      const roots = rootsOf(session.doc, compareRoots);
      const filter = this.filter.value.trim();
      if (filter === "") return rowsOf(roots, this.expanded.value, session.watch.keys);
      // A filter looks at values as well, so every change may matter.
      session.frame.value;
      return filteredRows(roots, filter, session.watch.keys);
    });
  }

  /** Opens the room that the address names, and follows the address from then on. */
  start(): void {
    window.addEventListener("hashchange", () => this.#openFromAddress());
    this.#openFromAddress();
  }

  /** Opens a room by name; returns why not, when the name is none. */
  openRoom(name: string): string | null {
    const check = checkRoomName(name.trim());
    if (!check.ok) return check.reason;
    const hash = hashOfRoom(check.name);
    if (window.location.hash === hash) this.#open(check.name);
    else window.location.hash = hash;
    return null;
  }

  /** Asks the server for rooms to suggest, where one would be let in. */
  async learnRooms(): Promise<void> {
    if (this.session.value?.connection.state.value.kind !== "live") return;
    this.knownRooms.value = await fetchRoomNames(this.credentials.value);
  }

  /** Leaves the room and enters it again with a new document, giving up what is unsaved. */
  reopen(): void {
    this.#open(this.room.value);
  }

  /** Uses other credentials, kept for this tab only, and enters the room with them. */
  signIn(text: string): void {
    this.credentials.value = credentialsOf(text);
    const token = this.credentials.value.kind === "token" ? this.credentials.value.token : null;
    writeStored("session", CREDENTIALS_KEY, token);
    this.dialog.value = null;
    if (this.page.value === "room" || this.session.value !== null) this.reopen();
  }

  select(path: Path | null, note: string | null = null): void {
    this.selectedRow.value = path === null ? null : pathId(path);
    this.selectedNote.value = note ?? this.#noteAt(path);
    this.session.value?.share(this.selectedNote.value, path);
  }

  /** Selects a row and unfolds what hides it. */
  goTo(path: Path, note: string | null = null): void {
    this.expand(...path.slice(0, -1).map((_, index) => pathId(path.slice(0, index + 1))));
    this.select(path, note);
    this.#reveal(pathId(path));
  }

  /** Selects a note of the score: its pitch in the tree, its event unfolded beside it. */
  selectNote(id: string | null): void {
    if (id === null) {
      this.select(null);
      return;
    }
    this.filter.value = "";
    this.expand("ev");
    this.goTo(["pt", id], id);
  }

  expand(...ids: string[]): void {
    const missing = ids.filter((id) => !this.expanded.value.has(id));
    if (missing.length > 0) this.expanded.value = new Set([...this.expanded.value, ...missing]);
  }

  collapse(id: string): void {
    const rest = new Set(this.expanded.value);
    if (rest.delete(id)) this.expanded.value = rest;
  }

  toggle(id: string): void {
    if (this.expanded.value.has(id)) this.collapse(id);
    else this.expand(id);
  }

  toast(text: string, undo = false): void {
    this.#toastId += 1;
    const id = this.#toastId;
    this.toasts.value = [...this.toasts.value.slice(-2), { id, text, undo }];
    setTimeout(() => this.dismiss(id), TOAST_MS);
  }

  dismiss(id: number): void {
    this.toasts.value = this.toasts.value.filter((toast) => toast.id !== id);
  }

  undo(): void {
    const session = this.session.value;
    if (session === null || session.readOnly.value) return;
    if (session.undo.undo() === null) this.toast("Nothing to take back.");
  }

  redo(): void {
    const session = this.session.value;
    if (session === null || session.readOnly.value) return;
    if (session.undo.redo() === null) this.toast("Nothing to do again.");
  }

  #openFromAddress(): void {
    const isCluster = window.location.hash === CLUSTER_HASH;
    this.page.value = isCluster ? "cluster" : "room";
    if (!isCluster) {
      const name = roomOfLocation(window.location) ?? DEFAULT_ROOM;
      if (name !== this.session.value?.room) this.#open(name);
    }
    this.#entitle();
  }

  #entitle(): void {
    document.title = `${this.page.value === "cluster" ? "Cluster" : this.room.value} · BandPro`;
  }

  #open(name: string): void {
    this.#close();
    this.room.value = name;
    const check = checkRoomName(name);
    this.roomError.value = check.ok ? null : check.reason;
    if (!check.ok) return;
    const unfoldedBefore = this.#expandedByRoom.get(name);
    this.expanded.value = unfoldedBefore ?? new Set();
    this.#remember(name);
    const identity = loadIdentity(Math.random);
    const unfolded = (id: string): boolean => this.expanded.peek().has(id);
    const session = new RoomSession(name, this.credentials.value, identity, unfolded);
    this.session.value = session;
    if (unfoldedBefore === undefined) this.#unfoldWhenLoaded(session);
  }

  /** Unfolds what is small enough to be seen at a glance, once there is something to see. */
  #unfoldWhenLoaded(session: RoomSession): void {
    this.#stopUnfolding = effect(() => {
      if (!session.loaded.value) return;
      const roots = rootsOf(session.doc, compareRoots);
      const sizes = roots.map(([name, type]) => ({ name, size: sizeOf(type, kindOf(type)) }));
      const few = sizes.length <= GLANCE_ROOTS_MAX ? sizes : sizes.slice(0, 1);
      const small = few.filter(({ size }) => size <= GLANCE_ENTRIES_MAX).map(({ name }) => name);
      untracked(() => this.expand(...small));
    });
  }

  #close(): void {
    const session = this.session.value;
    this.#stopUnfolding?.();
    this.#stopUnfolding = null;
    this.session.value = null;
    this.selectedRow.value = null;
    this.selectedNote.value = null;
    this.editing.value = null;
    this.reveal.value = null;
    this.filter.value = "";
    if (session === null) return;
    if (session.loaded.value) this.#expandedByRoom.set(session.room, this.expanded.value);
    session.destroy();
  }

  #remember(name: string): void {
    const others = this.recentRooms.value.filter((other) => other !== name);
    this.recentRooms.value = [name, ...others].slice(0, RECENT_MAX);
    writeStored("local", RECENT_KEY, JSON.stringify(this.recentRooms.value));
  }

  #reveal(id: string): void {
    this.reveal.value = { id, request: (this.reveal.value?.request ?? 0) + 1 };
  }

  /** The note that an entry of the score's facets belongs to. */
  #noteAt(path: Path | null): string | null {
    const [facet, key] = path ?? [];
    if (facet === undefined || key === undefined) return null;
    const id = facet === "ly" ? key.split("|")[0] : key;
    const model = this.session.value?.score ?? null;
    const holds = facet === "ev" || facet === "pt" || facet === "nx" || facet === "ly";
    return holds && id !== undefined && model?.note(id) !== undefined ? id : null;
  }
}

const facetOrder = new Map(Array.from(SCORE_FACETS, (name, index) => [name, index]));

/** Facets of a score in the order in which they build on each other, then all else by name. */
export function compareRoots(a: string, b: string): number {
  const placeOfA = facetOrder.get(a) ?? facetOrder.size;
  const placeOfB = facetOrder.get(b) ?? facetOrder.size;
  return placeOfA - placeOfB || compareKeys(a, b);
}

/** The row that is selected, as a path; null when it is gone. */
export function selectedPath(app: AppState): Path | null {
  const id = app.selectedRow.value;
  return id === null ? null : pathOfId(id);
}

function readRecent(): string[] {
  try {
    const stored: unknown = JSON.parse(readStored("local", RECENT_KEY) ?? "[]");
    if (!Array.isArray(stored)) return [];
    return stored.filter((name) => typeof name === "string" && checkRoomName(name).ok);
  } catch {
    return [];
  }
}

function readCredentials(): Credentials {
  return credentialsOf(readStored("session", CREDENTIALS_KEY) ?? "");
}
