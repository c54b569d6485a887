import type { RoomSession } from "../session/room-session.ts";

/**
 * Draws the calling component anew with every picture in which the document looks different.
 * Components are otherwise skipped while their properties are the same objects, and a shared
 * type is the same object whatever is in it.
 */
export function followDocument(session: RoomSession): number {
  return session.frame.value;
}
