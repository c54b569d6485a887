import type { JSX } from "preact";
import { createRoot, type NewRootKind } from "../document/edits.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { NewRoot } from "./new-root.tsx";

const beginnings: ReadonlyArray<[kind: NewRootKind, name: string, title: string, what: string]> = [
  ["text", "text", "A text", "Write together, letter by letter."],
  ["map", "map", "A map", "Values by name, each replaced whole."],
  ["array", "array", "An array", "Values in a row."],
];

/** What a room shows before anybody wrote in it. */
export function EmptyRoom({ app, session }: { app: AppState; session: RoomSession }): JSX.Element {
  if (session.readOnly.value) {
    return (
      <div class="empty" data-testid="empty-room">
        <h3>Nothing here yet</h3>
        <p>As soon as somebody writes in this room, you see it here.</p>
      </div>
    );
  }
  return (
    <div class="empty" data-testid="empty-room">
      <h3>An empty room</h3>
      <p>Begin with one of these, or open the same room in any Yjs editor.</p>
      <div class="beginnings">
        {beginnings.map(([kind, name, title, what]) => (
          <button
            key={kind}
            type="button"
            class="beginning"
            data-testid={`begin-${kind}`}
            onClick={() => {
              createRoot(session.doc, kind, name);
              app.expand(name);
              app.select([name]);
            }}
          >
            <strong>{title}</strong>
            <span>{what}</span>
          </button>
        ))}
      </div>
      <NewRoot app={app} session={session} />
    </div>
  );
}
