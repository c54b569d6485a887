import type { ConnectionState } from "../connection/room-connection.ts";

/** What is known about this tab's edits and the server's disk. */
export type SavedState =
  | { kind: "saved" }
  | { kind: "saving"; count: number }
  | { kind: "offline"; count: number }
  | { kind: "refused"; count: number };

/** Puts together how many edits are unconfirmed and how the connection stands. */
export function savedStateOf(
  unsaved: number,
  connection: ConnectionState["kind"],
  readOnly: boolean,
): SavedState {
  if (unsaved === 0) return { kind: "saved" };
  if (readOnly) return { kind: "refused", count: unsaved };
  const online = connection === "live" || connection === "syncing";
  return { kind: online ? "saving" : "offline", count: unsaved };
}

export function savedInWords(state: SavedState): string {
  if (state.kind === "saved") return "Saved";
  const edits = state.count === 1 ? "edit" : "edits";
  if (state.kind === "saving") return `Saving… ${state.count}`;
  if (state.kind === "offline") return `Offline, ${state.count} unsaved ${edits}`;
  return `${state.count} ${edits} not accepted`;
}
