import { ApiError, ScoreError, wordsOf } from "../errors.ts";
import { textIn } from "../fields.ts";
import type { Tokens } from "../link/tokens.ts";

export type Fetch = typeof globalThis.fetch;

export interface Request {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Left out where undefined. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly bytes?: Blob | Uint8Array<ArrayBuffer>;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
  /** Goes on when the page is left. */
  readonly keepalive?: boolean;
  /** Makes it safe to send it again when its answer was lost. */
  readonly key?: string;
}

const PROBLEM = "urn:bandpro:problem:";
const UNAUTHENTICATED = 401;
const ORIGIN = /^\w+:\/\/[^/]+/;

/** The HTTP API of one server, on behalf of whoever the tokens stand for. */
export class Api {
  readonly #base: string;
  readonly #tokens: Tokens;
  readonly #fetch: Fetch;

  constructor(base: string, tokens: Tokens, fetch: Fetch | undefined) {
    this.#base = `${base}/v1`;
    this.#tokens = tokens;
    this.#fetch = fetch ?? ((...details) => globalThis.fetch(...details));
  }

  /** Asks for JSON; null for an empty answer. */
  async json<T>(path: string, request: Request = {}): Promise<T> {
    const answer = await this.ask(path, request);
    const text = await read(() => answer.text());
    return (text === "" ? null : parsed(text)) as T;
  }

  /** Asks for bytes. */
  async bytes(path: string, request: Request = {}): Promise<Uint8Array<ArrayBuffer>> {
    const answer = await this.ask(path, request);
    return new Uint8Array(await read(() => answer.arrayBuffer()));
  }

  /** The address of something on the server; `URL` would not do, which React Native has in part. */
  absolute(path: string): string {
    return path.startsWith("/") ? `${ORIGIN.exec(this.#base)?.[0] ?? ""}${path}` : path;
  }

  /**
   * Asks, with a fresh token if that in use has ended.
   *
   * @throws ApiError for what the server does not do.
   * @throws ScoreError "network" when it cannot be reached, "token" when there is no token.
   */
  async ask(path: string, request: Request = {}): Promise<Response> {
    const token = await this.#tokens.known();
    let answer = await this.#send(path, request, token);
    if (answer.status === UNAUTHENTICATED && token !== null) {
      const fresh = await this.#tokens.fresh();
      if (fresh !== token) answer = await this.#send(path, request, fresh);
    }
    if (!answer.ok) throw await problemIn(answer);
    return answer;
  }

  async #send(path: string, request: Request, token: string | null): Promise<Response> {
    const send = (): Promise<Response> =>
      this.#fetch(this.#base + path + queryOf(request.query), detailsOf(request, token));
    const isRepeatable = (request.method ?? "GET") === "GET" || request.key !== undefined;
    try {
      return await send();
    } catch (error) {
      if (!isRepeatable || request.signal?.aborted) throw unreachable(error);
    }
    return read(send);
  }
}

/** A path of the API; each value stands for one segment. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return parts.reduce(
    (all, part, at) => all + (at === 0 ? "" : encodeURIComponent(values[at - 1] ?? "")) + part,
    "",
  );
}

function detailsOf(request: Request, token: string | null): RequestInit {
  const headers: Record<string, string> = {};
  if (token !== null) headers["Authorization"] = `Bearer ${token}`;
  if (request.accept !== undefined) headers["Accept"] = request.accept;
  if (request.key !== undefined) headers["Idempotency-Key"] = request.key;
  const details: RequestInit = { method: request.method ?? "GET", headers };
  if (request.keepalive !== undefined) details.keepalive = request.keepalive;
  if (request.signal !== undefined) details.signal = request.signal;
  if (request.json !== undefined) {
    headers["Content-Type"] = "application/json";
    details.body = JSON.stringify(request.json);
  } else if (request.bytes !== undefined) {
    headers["Content-Type"] = "application/octet-stream";
    details.body = request.bytes;
  }
  return details;
}

function queryOf(query: Request["query"]): string {
  const given = Object.entries(query ?? {}).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? "" : `?${given.join("&")}`;
}

async function read<T>(reading: () => Promise<T>): Promise<T> {
  try {
    return await reading();
  } catch (error) {
    throw unreachable(error);
  }
}

function unreachable(error: unknown): ScoreError {
  return new ScoreError("network", `The server was not reached: ${wordsOf(error)}`, error);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ScoreError("network", "The answer was no JSON.", error);
  }
}

async function problemIn(answer: Response): Promise<ApiError> {
  const body = await answer.json().catch((): unknown => null);
  const type = textIn(body, "type");
  const seconds = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  return new ApiError(answer.status, {
    type: type.startsWith(PROBLEM) ? type.slice(PROBLEM.length) : "",
    detail: textIn(body, "detail") || textIn(body, "title"),
    requestId: textIn(body, "request_id") || null,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
  });
}
