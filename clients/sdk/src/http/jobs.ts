import { ApiError, ScoreError } from "../errors.ts";
import { pause } from "../link/tokens.ts";
import { type Api, path } from "./api.ts";
import { chunksOf, dataOf } from "./events.ts";

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** A file that a job made; whoever has its address can read it until it expires. */
export interface JobFile {
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly url: string;
  readonly expiresAtMs: number;
}

/** Something in a file that could not be taken as it stands. */
export interface Finding {
  readonly line: number;
  readonly message: string;
}

export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Work that the server does on a score. */
export interface Job {
  readonly id: string;
  readonly room: string;
  readonly kind: "export" | "import";
  readonly format: string;
  readonly state: JobState;
  /** null where it is not known. */
  readonly progress: Progress | null;
  /** What went wrong last; empty for nothing. */
  readonly error: string;
  readonly files: readonly JobFile[];
  readonly findings: readonly Finding[];
}

export interface ExportOptions {
  readonly format:
    | "musicxml"
    | "mxl"
    | "mei"
    | "timemap"
    | "svg"
    | "pdf"
    | "png"
    | "midi"
    | "wav"
    | "mp3";
  /** Only this part, by its id. */
  readonly part?: string;
  /** With a part: what the instrument sounds compared with what is written. */
  readonly diatonic?: number;
  readonly chromatic?: number;
  readonly page?: string;
  readonly dots_per_inch?: number;
}

export interface Watch {
  readonly onProgress?: (job: Job) => void;
  readonly signal?: AbortSignal;
}

/** Formats of files that a score can be made of by a job. */
export type ImportFormat = "musicxml" | "mxl" | "abc" | "midi";

/** What files in these formats are called: by the ending of their names, in lower case. */
export const IMPORT_FORMATS: ReadonlyMap<string, ImportFormat> = new Map([
  ["musicxml", "musicxml"],
  ["xml", "musicxml"],
  ["mxl", "mxl"],
  ["abc", "abc"],
  ["mid", "midi"],
  ["midi", "midi"],
]);

interface Answer extends Omit<Job, "id" | "files"> {
  readonly job_id: string;
  readonly files: readonly FileAnswer[];
}

interface FileAnswer extends Pick<JobFile, "name" | "url"> {
  readonly media_type: string;
  readonly size_bytes: number;
  readonly expires_at: number;
}

const FINAL: ReadonlySet<JobState> = new Set(["done", "failed", "cancelled"]);
const AGAIN_MS = 1_000;
const FAILURES_MAX = 5;

/** The jobs on one score. */
export class Jobs {
  readonly #api: Api;
  readonly #room: string;

  constructor(api: Api, room: string) {
    this.#api = api;
    this.#room = room;
  }

  /**
   * Has the score made into a file, and waits until it is.
   *
   * @throws ScoreError "job-failed" when it cannot be, or was cancelled.
   */
  async export(options: ExportOptions, watch: Watch = {}): Promise<Job> {
    return this.finished(await this.order(options), watch);
  }

  /** Orders the same and does not wait. */
  async order(options: ExportOptions): Promise<Job> {
    const where = path`/scores/${this.#room}/exports`;
    return this.#jobOf(await this.#api.json(where, { method: "POST", json: options }));
  }

  /** Has the score made of a file; nothing may have been written in it yet. */
  async import(
    file: Blob | Uint8Array<ArrayBuffer>,
    format: ImportFormat,
    watch: Watch = {},
  ): Promise<Job> {
    const where = path`/scores/${this.#room}/imports`;
    const request = { method: "POST", bytes: file, query: { format } } as const;
    return this.finished(this.#jobOf(await this.#api.json(where, request)), watch);
  }

  async get(id: string): Promise<Job> {
    return this.#jobOf(await this.#api.json(path`/jobs/${id}`));
  }

  async cancel(id: string): Promise<Job> {
    return this.#jobOf(await this.#api.json(path`/jobs/${id}/cancel`, { method: "POST" }));
  }

  /** Jobs on the score that this person asked for; as an owner, all of them. */
  async list(): Promise<Job[]> {
    const found: Job[] = [];
    let after: string | undefined;
    do {
      const page = await this.#api.json<{ jobs: Answer[]; next: string | null }>("/jobs", {
        query: { room: this.#room, after },
      });
      found.push(...page.jobs.map((job) => this.#jobOf(job)));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return found;
  }

  /** The job as it is now, and after each change, until it has ended or the signal says to stop. */
  async *follow(id: string, signal?: AbortSignal): AsyncGenerator<Job> {
    let failures = 0;
    while (!signal?.aborted) {
      try {
        for await (const job of this.#told(id, signal)) {
          failures = 0;
          yield job;
          if (FINAL.has(job.state)) return;
        }
      } catch (error) {
        failures += 1;
        const isFinal = error instanceof ApiError && error.status < 500;
        if (isFinal || failures > FAILURES_MAX) throw error;
      }
      if (!signal?.aborted) await pause(AGAIN_MS * Math.max(1, failures), signal);
    }
  }

  /** Waits until a job has ended. */
  async finished(job: Job, { onProgress, signal }: Watch): Promise<Job> {
    let last = job;
    onProgress?.(last);
    if (!FINAL.has(last.state)) {
      for await (const next of this.follow(job.id, signal)) {
        last = next;
        onProgress?.(next);
      }
    }
    if (last.state === "done") return last;
    throw new ScoreError("job-failed", last.error || `The job is ${last.state}.`);
  }

  /** One stream of events; where bodies cannot be read as they come, a single look. */
  async *#told(id: string, signal: AbortSignal | undefined): AsyncGenerator<Job> {
    const answer = await this.#api.ask(path`/jobs/${id}/events`, {
      accept: "text/event-stream",
      signal,
    });
    if (answer.body === null || answer.body === undefined) {
      yield await this.get(id);
      return;
    }
    try {
      for await (const data of dataOf(chunksOf(answer.body))) {
        yield this.#jobOf(JSON.parse(data) as Answer);
      }
    } catch (error) {
      if (error instanceof ScoreError) throw error;
      throw new ScoreError("network", "The news of a job broke off.", error);
    }
  }

  #jobOf(answer: Answer): Job {
    return {
      id: answer.job_id,
      room: answer.room,
      kind: answer.kind,
      format: answer.format,
      state: answer.state,
      progress: answer.progress,
      error: answer.error,
      files: answer.files.map((file) => ({
        name: file.name,
        mediaType: file.media_type,
        sizeBytes: file.size_bytes,
        url: this.#api.absolute(file.url),
        expiresAtMs: file.expires_at * 1000,
      })),
      findings: answer.findings,
    };
  }
}
