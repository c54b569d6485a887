import { askApi, textField } from "./api.ts";

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

/** The token among what was given; null where there is none. */
export function tokenOf(credentials: Credentials): string | null {
  return credentials.kind === "token" ? credentials.token : null;
}

/** Exchanges the token for a ticket of one use: a socket's URL must never carry the token. */
export async function fetchTicket(token: string, room: string): Promise<TicketAnswer> {
  const answer = await askApi("/v1/tickets", { token, timeoutMs: TIMEOUT_MS, body: { room } });
  if (answer.kind !== "answer") return answer;
  const ticket = textField(answer.body, "ticket");
  if (ticket !== null) return { kind: "ticket", ticket };
  return { kind: "unreachable", detail: "The server gave no ticket." };
}
