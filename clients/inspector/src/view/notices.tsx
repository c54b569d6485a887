import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import type { CloseInWords } from "../connection/close-codes.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { Lock } from "./icons.tsx";

/** The bar below the header: what stands in the way just now, and what can be done about it. */
export function Notices({ app, session }: { app: AppState; session: RoomSession }): JSX.Element {
  const state = session.connection.state.value;
  const unsaved = session.saved.value.kind === "saved" ? 0 : session.saved.value.count;
  return (
    <>
      {state.kind === "closed" && session.loaded.value && (
        <div
          class="notice bad"
          role="alert"
          data-testid="close-notice"
          data-code={state.close.code}
        >
          <p>
            <strong>{state.close.title}.</strong> {state.close.detail}{" "}
            {unsaved > 0 && `${unsaved} of your edits were not saved.`}
          </p>
          <Remedies app={app} close={state.close} />
        </div>
      )}
      {state.kind === "waiting" && (
        <div class="notice warn" role="status" data-testid="waiting-notice">
          <p>
            <strong>{state.close.title}.</strong> {state.close.detail}{" "}
            <Countdown key={state.untilMs} untilMs={state.untilMs} />
          </p>
          <button type="button" class="button" onClick={() => session.connection.connect()}>
            Try now
          </button>
        </div>
      )}
      {state.kind === "paused" && (
        <div class="notice warn" role="status">
          <p>
            <strong>You are offline.</strong> Go on editing; it is sent when you are back.
          </p>
          <button type="button" class="button" onClick={() => session.connection.connect()}>
            Go online
          </button>
        </div>
      )}
      {session.readOnly.value && state.kind !== "closed" && (
        <div class="notice info" role="status" data-testid="readonly-notice">
          <p>
            <Lock /> <strong>You are reading.</strong>{" "}
            {unsaved > 0
              ? "The server did not accept your edits. Reload the room to see what is true."
              : "You see every change as it happens, but your role does not let you edit."}
          </p>
          {unsaved > 0 && (
            <button type="button" class="button" onClick={() => app.reopen()}>
              Discard mine and reload
            </button>
          )}
        </div>
      )}
    </>
  );
}

export function TokenButton({ app }: { app: AppState }): JSX.Element {
  return (
    <button
      type="button"
      class="button primary"
      onClick={() => {
        app.dialog.value = "access";
      }}
    >
      Enter a token
    </button>
  );
}

/** What a person can do after the server ended the connection for good. */
export function Remedies({ app, close }: { app: AppState; close: CloseInWords }): JSX.Element {
  const focusRoom = (): void => {
    document.getElementById("room-input")?.focus();
  };
  return (
    <div class="remedies">
      {close.remedy === "credentials" && <TokenButton app={app} />}
      {close.remedy === "another-room" && (
        <button type="button" class="button primary" onClick={focusRoom}>
          Choose another room
        </button>
      )}
      <button type="button" class="button" onClick={() => app.reopen()}>
        {close.remedy === "rejoin" ? "Join with a new one" : "Load afresh"}
      </button>
    </div>
  );
}

function Countdown({ untilMs }: { untilMs: number }): JSX.Element | null {
  const left = useSignal(0);
  useSignalEffect(() => {
    const tick = (): void => {
      left.value = Math.max(0, Math.ceil((untilMs - Date.now()) / 1000));
    };
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  });
  if (left.value === 0) return null;
  return <span>Next try in {left.value} s.</span>;
}
