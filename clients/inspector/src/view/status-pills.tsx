import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import type { ConnectionState } from "../connection/room-connection.ts";
import { bytesInWords } from "../document/statistics.ts";
import { counted } from "../document/tree-rows.ts";
import type { RoomSession } from "../session/room-session.ts";
import { savedInWords } from "../session/saved-state.ts";
import { followDocument } from "./follow.ts";
import { Check } from "./icons.tsx";

/** A word or two on how the connection stands. */
export function connectionInWords(state: ConnectionState): string {
  if (state.kind === "connecting") return "Connecting…";
  if (state.kind === "syncing") return "Loading…";
  if (state.kind === "live") return "Live";
  if (state.kind === "waiting") return "Reconnecting…";
  if (state.kind === "paused") return "Offline";
  return state.close.title;
}

/** Shows the connection; opens a small panel with details and the switch to go offline. */
export function ConnectionPill({ session }: { session: RoomSession }): JSX.Element {
  const state = session.connection.state.value;
  return (
    <div class="pill-with-panel">
      <button
        type="button"
        class="pill"
        data-testid="connection-state"
        data-state={state.kind}
        popovertarget="connection-panel"
        title="Connection"
      >
        <span class="pill-dot" aria-hidden="true" />
        <span role="status">{connectionInWords(state)}</span>
      </button>
      <div id="connection-panel" class="panel" popover="auto">
        <ConnectionPanel session={session} />
      </div>
    </div>
  );
}

function ConnectionPanel({ session }: { session: RoomSession }): JSX.Element {
  const { connection, watch } = session;
  const state = connection.state.value;
  followDocument(session);
  const { received, receivedBytes, made, madeBytes } = watch.traffic;
  const access = { none: "no token", token: "a token", ticket: "a ticket" } as const;
  return (
    <>
      <h2 class="panel-title">Connection</h2>
      <dl class="facts">
        <dt>State</dt>
        <dd>{connectionInWords(state)}</dd>
        <dt>Room</dt>
        <dd class="mono">{session.room}</dd>
        <dt>With</dt>
        <dd>{access[connection.credentialsKind]}</dd>
        <dt>Client id</dt>
        <dd class="mono">{session.doc.clientID}</dd>
        <dt>Received</dt>
        <dd>
          {counted(received, "update", "updates")}, {bytesInWords(receivedBytes)}
        </dd>
        <dt>Made here</dt>
        <dd>
          {counted(made, "update", "updates")}, {bytesInWords(madeBytes)}
        </dd>
      </dl>
      {state.kind === "paused" || state.kind === "waiting" ? (
        <button type="button" class="button primary" onClick={() => connection.connect()}>
          Connect now
        </button>
      ) : (
        <button
          type="button"
          class="button"
          data-testid="go-offline"
          disabled={state.kind === "closed"}
          onClick={() => connection.pause()}
        >
          Go offline
        </button>
      )}
      <p class="hint">Offline, you can go on editing; what you did is sent when you are back.</p>
    </>
  );
}

/** How long a state must last to be worth reading out. */
const SETTLE_MS = 120;

/** Shows whether this tab's edits are on the server's disk. */
export function SavedPill({ session }: { session: RoomSession }): JSX.Element | null {
  const state = session.saved.value;
  const announced = useSignal("");
  useSignalEffect(() => {
    const words = savedInWords(session.saved.value);
    const timer = setTimeout(() => {
      announced.value = words;
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  });
  if (!session.loaded.value && state.kind === "saved") return null;
  const count = state.kind === "saved" ? 0 : state.count;
  return (
    <>
      <span
        class="pill quiet"
        data-testid="saved-state"
        data-state={state.kind}
        data-unsaved={count}
        title={explanation(state.kind)}
      >
        {state.kind === "saved" ? <Check /> : <span class="pill-dot" aria-hidden="true" />}
        <span>{savedInWords(state)}</span>
      </span>
      <span class="visually-hidden" role="status">
        {announced.value}
      </span>
    </>
  );
}

function explanation(kind: string): string {
  if (kind === "saved") return "Every edit made in this tab is on the server's disk.";
  if (kind === "saving") return "Sent; the server has not yet confirmed that it is on disk.";
  if (kind === "offline") return "Kept in this tab and sent when the connection is back.";
  return "The server does not accept edits from you. They exist in this tab only.";
}
