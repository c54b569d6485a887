import { askApi, listField, textField } from "../connection/api.ts";
import { type Credentials, tokenOf } from "../connection/tickets.ts";

const LISTED_MAX = 50;
const TIMEOUT_MS = 5000;

/** The rooms that the server tells of, for the picker; none when it does not tell. */
export async function fetchRoomNames(credentials: Credentials): Promise<readonly string[]> {
  if (credentials.kind === "ticket") return [];
  const question = { token: tokenOf(credentials), timeoutMs: TIMEOUT_MS };
  const answer = await askApi(`/v1/rooms?limit=${LISTED_MAX}`, question);
  if (answer.kind !== "answer") return [];
  return listField(answer.body, "rooms")
    .map((room) => textField(room, "name"))
    .filter((name) => name !== null);
}
