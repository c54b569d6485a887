import { abilitiesAt, removeAt } from "../document/edits.ts";
import type { Path } from "../document/nodes.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";

/** Deletes an entry at once and offers to take it back, which is kinder than to ask first. */
export function removeWithToast(app: AppState, session: RoomSession, path: Path): void {
  if (session.readOnly.value || !abilitiesAt(session.doc, path).remove) return;
  // A step of undo of its own, not one with the edit a moment before.
  session.undo.stopCapturing();
  if (!removeAt(session.doc, path)) return;
  session.undo.stopCapturing();
  app.toast(`Deleted ${path.join(" / ")}.`, true);
}
