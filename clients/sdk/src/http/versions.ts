import { type Facets, normalise, type View } from "bandpro-score";
import * as Y from "yjs";
import { facetsOf } from "../replica.ts";
import { type Api, path } from "./api.ts";

/** One version of a score that people can look at and return to. */
export interface Version {
  readonly id: string;
  readonly kind: "automatic" | "named";
  /** Empty for an automatic one. */
  readonly name: string;
  readonly message: string;
  /** Who asked for it; null for activity. */
  readonly author: string | null;
  readonly authorName: string | null;
  readonly createdAtMs: number;
  readonly sizeBytes: number;
}

interface Answer extends Pick<Version, "kind" | "name" | "message" | "author"> {
  readonly version_id: string;
  readonly author_name: string | null;
  readonly created_at: number;
  readonly size_bytes: number;
}

/** The versions of one score. */
export class Versions {
  readonly #api: Api;
  readonly #room: string;

  constructor(api: Api, room: string) {
    this.#api = api;
    this.#room = room;
  }

  /** A page of versions, newest first; `next` is the `before` of the following page. */
  async list(
    query: { before?: string; kind?: Version["kind"]; limit?: number } = {},
  ): Promise<{ versions: Version[]; next: string | null }> {
    const { versions, next } = await this.#api.json<{ versions: Answer[]; next: string | null }>(
      path`/rooms/${this.#room}/versions`,
      { query },
    );
    return { versions: versions.map(versionOf), next };
  }

  /** Keeps the present state under a name. */
  async keep(name: string, message = ""): Promise<Version> {
    const where = path`/rooms/${this.#room}/versions`;
    return versionOf(await this.#api.json(where, { method: "POST", json: { name, message } }));
  }

  /** Another name or message; an automatic version that gets a name stays. */
  async rename(id: string, change: { name?: string; message?: string }): Promise<Version> {
    return versionOf(await this.#api.json(this.#path(id), { method: "PATCH", json: change }));
  }

  /** Deletes one for good; for owners. */
  async remove(id: string): Promise<void> {
    await this.#api.ask(this.#path(id), { method: "DELETE" });
  }

  /** The score as it was, to look at. */
  async view(id: string): Promise<View> {
    return normalise(await this.facets(id));
  }

  /** All that was written in it, by facet. */
  async facets(id: string): Promise<Facets> {
    const update = await this.#api.bytes(`${this.#path(id)}/update`);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    return facetsOf(doc);
  }

  /** What changed until another version, or until now: see `docs/versions.md` for its form. */
  async compare(
    id: string,
    query: { to?: string; view?: "document" | "score" } = {},
  ): Promise<unknown> {
    return this.#api.json(`${this.#path(id)}/compare`, { query });
  }

  /** Returns to a version by an edit that everybody sees; `undo` is the version of before. */
  async restore(id: string): Promise<{ undo: string | null; notes: string[] }> {
    const { undo, notes } = await this.#api.json<{ undo: string | null; notes: string[] }>(
      `${this.#path(id)}/restore`,
      { method: "POST" },
    );
    return { undo, notes };
  }

  /** Begins another score with a version. */
  async fork(id: string, room: string): Promise<void> {
    await this.#api.ask(`${this.#path(id)}/fork`, { method: "POST", json: { room } });
  }

  #path(id: string): string {
    return path`/rooms/${this.#room}/versions/${id}`;
  }
}

function versionOf(answer: Answer): Version {
  return {
    id: answer.version_id,
    kind: answer.kind,
    name: answer.name,
    message: answer.message,
    author: answer.author,
    authorName: answer.author_name,
    createdAtMs: answer.created_at * 1000,
    sizeBytes: answer.size_bytes,
  };
}
