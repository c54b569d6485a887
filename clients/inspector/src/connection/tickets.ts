/** What the person gave to be let in. */
export type Credentials =
  | { kind: "none" }
  | { kind: "token"; token: string }
  | { kind: "ticket"; ticket: string };

/** A ticket, or what to tell the person: refused for good, or merely out of reach. */
export type TicketAnswer =
  | { kind: "ticket"; ticket: string }
  | { kind: "refused"; status: number; detail: string }
  | { kind: "unreachable"; detail: string };

const TIMEOUT_MS = 10_000;

/** A JSON web token has three parts with dots between; a ticket is opaque and has none. */
export function credentialsOf(text: string): Credentials {
  const given = text.trim().replace(/^bearer\s+/i, "");
  if (given === "") return { kind: "none" };
  return given.split(".").length === 3
    ? { kind: "token", token: given }
    : { kind: "ticket", ticket: given };
}

/** Exchanges the token for a ticket of one use: a socket's URL must never carry the token. */
export async function fetchTicket(token: string, room: string): Promise<TicketAnswer> {
  let response: Response;
  try {
    response = await fetch("/v1/tickets", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ room }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    return { kind: "unreachable", detail: "The server cannot be reached just now." };
  }
  const body: unknown = await response.json().catch(() => null);
  const ticket = field(body, "ticket");
  if (response.ok && ticket !== null) return { kind: "ticket", ticket };
  const detail = field(body, "detail") ?? field(body, "title") ?? response.statusText;
  if (response.status >= 400 && response.status < 500 && response.status !== 429) {
    return { kind: "refused", status: response.status, detail };
  }
  return { kind: "unreachable", detail: detail || `The server answered ${response.status}.` };
}

function field(body: unknown, name: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" && value !== "" ? value : null;
}
