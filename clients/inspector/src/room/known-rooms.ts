import type { Credentials } from "../connection/tickets.ts";

const LISTED_MAX = 50;
const TIMEOUT_MS = 5000;

/** The rooms that the server tells of, for the picker; none when it does not tell. */
export async function fetchRoomNames(credentials: Credentials): Promise<readonly string[]> {
  if (credentials.kind === "ticket") return [];
  const headers = new Headers();
  if (credentials.kind === "token") headers.set("authorization", `Bearer ${credentials.token}`);
  try {
    const response = await fetch(`/v1/rooms?limit=${LISTED_MAX}`, {
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok ? namesIn(await response.json()) : [];
  } catch {
    return [];
  }
}

function namesIn(answer: unknown): string[] {
  if (typeof answer !== "object" || answer === null) return [];
  const rooms: unknown = Reflect.get(answer, "rooms");
  if (!Array.isArray(rooms)) return [];
  return rooms
    .map((room: unknown) =>
      typeof room === "object" && room !== null ? Reflect.get(room, "name") : null,
    )
    .filter((name) => typeof name === "string");
}
