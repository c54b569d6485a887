import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Place } from "./address.ts";

/** A file on this device and the score that stands for it. */
export interface FileMark extends Place {
  readonly path: string;
  /** SHA-256 of the file as it was last read or written here. */
  readonly digest: string;
}

interface Kept {
  /** Servers that the person has agreed to; the one used last comes first. */
  readonly servers: readonly string[];
  /** The newest first. */
  readonly files: readonly FileMark[];
}

const SERVERS_MAX = 20;
const FILES_MAX = 200;
const NOTHING: Kept = { servers: [], files: [] };

/** What the application remembers from one start to the next; a file that does not read is empty. */
export class Memory {
  readonly #path: string;
  #kept: Kept;

  constructor(path: string) {
    this.#path = path;
    this.#kept = keptIn(path);
  }

  get servers(): readonly string[] {
    return this.#kept.servers;
  }

  /** The person has agreed to a server, and uses it. */
  useServer(server: string): void {
    const servers = [server, ...this.servers.filter((known) => known !== server)];
    this.#keep({ ...this.#kept, servers: servers.slice(0, SERVERS_MAX) });
  }

  fileAt(path: string): FileMark | null {
    return this.#kept.files.find((file) => file.path === path) ?? null;
  }

  fileOf({ server, room }: Place): FileMark | null {
    return this.#kept.files.find((file) => file.server === server && file.room === room) ?? null;
  }

  keepFile(mark: FileMark): void {
    const isOther = (file: FileMark): boolean =>
      file.path !== mark.path && !(file.server === mark.server && file.room === mark.room);
    const files = [mark, ...this.#kept.files.filter(isOther)];
    this.#keep({ ...this.#kept, files: files.slice(0, FILES_MAX) });
  }

  /** Whoever is stopped in between has the old file or the new one. */
  #keep(kept: Kept): void {
    this.#kept = kept;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(`${this.#path}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}

function keptIn(path: string): Kept {
  try {
    const read: unknown = JSON.parse(readFileSync(path, "utf-8"));
    const servers = listIn(read, "servers").filter((server) => typeof server === "string");
    return { servers, files: listIn(read, "files").filter(isMark) };
  } catch {
    return NOTHING;
  }
}

function listIn(value: unknown, name: string): unknown[] {
  const list = typeof value === "object" && value !== null ? Reflect.get(value, name) : null;
  return Array.isArray(list) ? list : [];
}

function isMark(value: unknown): value is FileMark {
  if (typeof value !== "object" || value === null) return false;
  return ["server", "room", "path", "digest"].every(
    (name) => typeof Reflect.get(value, name) === "string",
  );
}
