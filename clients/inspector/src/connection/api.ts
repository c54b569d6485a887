/** What the HTTP API answered: a body, a refusal for good, or nothing that helps just now. */
export type ApiAnswer =
  | { kind: "answer"; body: unknown }
  | { kind: "refused"; status: number; detail: string }
  | { kind: "unreachable"; detail: string };

export interface ApiQuestion {
  /** Whose rights are used; null for a guest's. */
  token: string | null;
  timeoutMs: number;
  /** Sent as JSON with a POST; without one it is a GET. */
  body?: object;
}

const UNREACHABLE = "The server cannot be reached just now.";

/** Asks the server that served the page; never throws. */
export async function askApi(path: string, question: ApiQuestion): Promise<ApiAnswer> {
  const headers = new Headers();
  if (question.token !== null) headers.set("authorization", `Bearer ${question.token}`);
  const init: RequestInit = { headers, signal: AbortSignal.timeout(question.timeoutMs) };
  if (question.body !== undefined) {
    headers.set("content-type", "application/json");
    init.method = "POST";
    init.body = JSON.stringify(question.body);
  }
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    return { kind: "unreachable", detail: UNREACHABLE };
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return { kind: "answer", body };
  const detail = textField(body, "detail") ?? textField(body, "title") ?? response.statusText;
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    return { kind: "refused", status: response.status, detail };
  }
  return { kind: "unreachable", detail: detail || `The server answered ${response.status}.` };
}

/** A text of an object, when it has one of that name that says something. */
export function textField(body: unknown, name: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" && value !== "" ? value : null;
}

/** A list of an object; empty when it has none of that name. */
export function listField(body: unknown, name: string): unknown[] {
  if (typeof body !== "object" || body === null) return [];
  const value: unknown = Reflect.get(body, name);
  return Array.isArray(value) ? value : [];
}
