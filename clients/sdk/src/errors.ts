/** What went wrong, for programs; `message` is for people. */
export type ProblemCode =
  | "denied"
  | "closed"
  | "read-only"
  | "token"
  | "network"
  | "http"
  | "storage"
  | "job-failed"
  | "defect";

/** Every error of this package; edits that a score does not allow are `EditRefused` beside it. */
export class ScoreError extends Error {
  readonly code: ProblemCode;

  constructor(code: ProblemCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ScoreError";
    this.code = code;
  }
}

/** What the HTTP API answered instead of what was asked for: problem details of RFC 9457. */
export class ApiError extends ScoreError {
  readonly status: number;
  /** Which problem, such as `access-denied`; empty where something on the way answered. */
  readonly type: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;

  constructor(status: number, problem: Omit<ApiError, keyof ScoreError | "status">) {
    super("http", problem.detail || `The server answered ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.type = problem.type;
    this.detail = problem.detail;
    this.requestId = problem.requestId;
    this.retryAfterMs = problem.retryAfterMs;
  }
}

/** Words for whatever was thrown. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
