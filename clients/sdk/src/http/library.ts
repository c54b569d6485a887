import { httpBase } from "../link/address.ts";
import { type GiveToken, Tokens } from "../link/tokens.ts";
import { Api, type Fetch, path } from "./api.ts";
import { type Finding, type ImportFormat, type Job, Jobs, type Watch } from "./jobs.ts";

/** What is told about a score beside its document. */
export interface ScoreFacts {
  readonly room: string;
  readonly title: string;
  readonly isArchived: boolean;
  readonly createdAtMs: number | null;
  readonly createdBy: string;
  readonly origin: string;
}

export interface Template {
  readonly template: string;
  readonly name: string;
  readonly instruments: readonly string[];
}

/** What a new score begins with; `beats`, `unit`, `fifths` and `measures` go with a template. */
export interface NewScore {
  readonly title?: string;
  readonly composer?: string;
  readonly template?: string;
  readonly measures?: number;
  readonly fifths?: number;
  readonly beats?: number;
  readonly unit?: 1 | 2 | 4 | 8 | 16 | 32;
}

interface Answer extends Pick<ScoreFacts, "room" | "title" | "origin"> {
  readonly is_archived: boolean;
  readonly created_at: number | null;
  readonly created_by: string;
}

/** The scores of a server that a person may read. */
export class Library {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /** A page of scores, in order of room; `next` is the `after` of the following page. */
  async list(
    query: { after?: string; limit?: number; isArchived?: boolean } = {},
  ): Promise<{ scores: ScoreFacts[]; next: string | null }> {
    const { isArchived, ...rest } = query;
    const { scores, next } = await this.#api.json<{ scores: Answer[]; next: string | null }>(
      "/scores",
      { query: { ...rest, is_archived: isArchived } },
    );
    return { scores: scores.map(factsOf), next };
  }

  /** What is told about one score, with the title that it has now. */
  async find(room: string): Promise<ScoreFacts> {
    return factsOf(await this.#api.json(path`/scores/${room}`));
  }

  /** What a score can begin with. */
  async templates(): Promise<Template[]> {
    return (await this.#api.json<{ templates: Template[] }>("/templates")).templates;
  }

  /** Makes a score; nothing may have been written in the room yet. */
  async create(room: string, what: NewScore = {}): Promise<ScoreFacts> {
    const json = { room, ...what };
    return factsOf(await this.#api.json("/scores", { method: "POST", json }));
  }

  /** Makes a score of a MusicXML file, without loss. */
  async importMusicXml(
    room: string,
    file: Blob | Uint8Array<ArrayBuffer>,
  ): Promise<{ score: ScoreFacts; findings: readonly Finding[] }> {
    const made = await this.#api.json<Answer & { findings: Finding[] }>(
      path`/scores/${room}/file`,
      { method: "POST", bytes: file },
    );
    return { score: factsOf(made), findings: made.findings };
  }

  /** Has a score made of any file that the server reads, and waits until it is. */
  async importFile(
    room: string,
    file: Blob | Uint8Array<ArrayBuffer>,
    format: ImportFormat,
    watch: Watch = {},
  ): Promise<Job> {
    return new Jobs(this.#api, room).import(file, format, watch);
  }

  /** Another title; out of use, or back. */
  async change(
    room: string,
    change: { title?: string; isArchived?: boolean },
  ): Promise<ScoreFacts> {
    const json = { title: change.title, is_archived: change.isArchived };
    return factsOf(await this.#api.json(path`/scores/${room}`, { method: "PATCH", json }));
  }

  /** Begins another score with this one. */
  async copy(room: string, to: string): Promise<ScoreFacts> {
    const request = { method: "POST", json: { room: to } } as const;
    return factsOf(await this.#api.json(path`/scores/${room}/copy`, request));
  }

  /** The score as a MusicXML file, as it is now. */
  async musicXml(room: string): Promise<Uint8Array<ArrayBuffer>> {
    return this.#api.bytes(path`/scores/${room}/file`);
  }
}

/** The scores of a server. */
export function openLibrary(
  url: string,
  options: { token?: GiveToken; fetch?: Fetch } = {},
): Library {
  return new Library(new Api(httpBase(url), new Tokens(options.token), options.fetch));
}

function factsOf(answer: Answer): ScoreFacts {
  return {
    room: answer.room,
    title: answer.title,
    isArchived: answer.is_archived,
    createdAtMs: answer.created_at === null ? null : answer.created_at * 1000,
    createdBy: answer.created_by,
    origin: answer.origin,
  };
}
