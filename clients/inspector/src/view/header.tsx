import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { CLUSTER_HASH } from "../room/room-name.ts";
import type { AppState } from "./app-state.ts";
import { Key, Mark, Moon, Nodes, Redo, Sun, Undo } from "./icons.tsx";
import { ConnectionPill, SavedPill } from "./status-pills.tsx";
import { isDark, toggleTheme } from "./theme.ts";

export function Header({ app }: { app: AppState }): JSX.Element {
  const isCluster = app.page.value === "cluster";
  const session = isCluster ? null : app.session.value;
  return (
    <header class="header">
      <a class="brand" href="#/demo/chorale" aria-label="BandPro, open the demo chorale">
        <Mark />
        <span class="brand-name">BandPro</span>
      </a>
      <RoomPicker app={app} />
      <div class="header-status">
        {session !== null && <ConnectionPill session={session} key={session.doc.guid} />}
        {session !== null && <SavedPill session={session} key={session.doc.guid} />}
      </div>
      <div class="header-actions">
        {!isCluster && <UndoButtons app={app} />}
        <a
          class="icon-button"
          href={CLUSTER_HASH}
          aria-current={isCluster ? "page" : undefined}
          title="The cluster: nodes and rooms (C)"
          aria-label="The cluster: nodes and rooms"
          data-testid="cluster-link"
        >
          <Nodes />
        </a>
        <button
          type="button"
          class="icon-button"
          onClick={() => {
            app.dialog.value = "access";
          }}
          title="Token or ticket"
          aria-label="Sign in with a token or ticket"
          data-testid="access-button"
        >
          <Key />
        </button>
        <button
          type="button"
          class="icon-button"
          onClick={toggleTheme}
          title="Light or dark (D)"
          aria-label={isDark() ? "Use the light look" : "Use the dark look"}
          data-testid="theme-toggle"
        >
          {isDark() ? <Sun /> : <Moon />}
        </button>
        <button
          type="button"
          class="icon-button"
          onClick={() => {
            app.dialog.value = "help";
          }}
          title="Help and shortcuts (?)"
          aria-label="Help and keyboard shortcuts"
          data-testid="help-button"
        >
          <span class="glyph">?</span>
        </button>
      </div>
    </header>
  );
}

function UndoButtons({ app }: { app: AppState }): JSX.Element {
  const session = app.session.value;
  const isOff = session === null || session.readOnly.value;
  return (
    <>
      <button
        type="button"
        class="icon-button"
        onClick={() => app.undo()}
        disabled={isOff}
        title="Take back my last edit (Ctrl+Z)"
        aria-label="Take back my last edit"
      >
        <Undo />
      </button>
      <button
        type="button"
        class="icon-button"
        onClick={() => app.redo()}
        disabled={isOff}
        title="Do it again (Ctrl+Shift+Z)"
        aria-label="Do my last edit again"
      >
        <Redo />
      </button>
    </>
  );
}

function RoomPicker({ app }: { app: AppState }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const error = useSignal<string | null>(null);
  useSignalEffect(() => {
    if (input.current !== null) input.current.value = app.room.value;
    error.value = app.roomError.value;
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    error.value = app.openRoom(input.current?.value ?? "");
    if (error.value === null) input.current?.blur();
  };
  return (
    <form class="room-picker" onSubmit={submit}>
      <label class="room-label" for="room-input">
        Room
      </label>
      <input
        id="room-input"
        ref={input}
        class="room-input"
        type="text"
        list="recent-rooms"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        enterkeyhint="go"
        data-testid="room-input"
        aria-invalid={error.value !== null}
        aria-describedby={error.value === null ? undefined : "room-error"}
        title="Type a room's name and press Enter (O)"
        onFocus={() => void app.learnRooms()}
        onInput={() => {
          error.value = null;
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || input.current === null) return;
          input.current.value = app.room.value;
          input.current.blur();
        }}
      />
      <datalist id="recent-rooms">
        {app.suggestedRooms.value.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {error.value !== null && (
        <p class="field-error floating" id="room-error" role="alert">
          {error.value}
        </p>
      )}
    </form>
  );
}
