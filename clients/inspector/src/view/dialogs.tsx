import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { credentialsOf } from "../connection/tickets.ts";
import type { AppState } from "./app-state.ts";
import { Cross } from "./icons.tsx";
import { singleKeys, storeSingleKeys } from "./shortcuts.ts";

export function Dialogs({ app }: { app: AppState }): JSX.Element | null {
  if (app.dialog.value === "help") return <HelpDialog app={app} />;
  if (app.dialog.value === "access") return <AccessDialog app={app} />;
  return null;
}

interface FrameProps {
  app: AppState;
  title: string;
  testId: string;
  children: ComponentChildren;
}

function Frame({ app, title, testId, children }: FrameProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element !== null && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  const close = (): void => {
    app.dialog.value = null;
  };
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby="dialog-title"
      data-testid={testId}
      onClose={close}
      onMouseDown={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="icon-button" onClick={close} aria-label="Close">
            <Cross />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

const shortcuts: ReadonlyArray<[title: string, keys: ReadonlyArray<[string, string]>]> = [
  [
    "Anywhere",
    [
      ["O", "open a room"],
      ["S", "go to the score"],
      ["T", "go to the tree"],
      ["E", "go to the editor"],
      ["C", "go to the cluster"],
      ["/", "filter the tree, or the cluster's rooms"],
      ["D", "light or dark"],
      ["Ctrl Z", "take back my last edit"],
      ["Ctrl Shift Z", "do it again"],
      ["?", "this help"],
    ],
  ],
  [
    "In the score",
    [
      ["← →", "previous and next note"],
      ["Alt ↑ ↓", "part above and below"],
      ["↑ ↓", "pitch by a step of the key"],
      ["Shift ↑ ↓", "pitch by an octave"],
      ["+ −", "sharpen and flatten"],
      ["Enter", "go to the note's entries"],
      ["Esc", "select nothing"],
    ],
  ],
  [
    "In the tree",
    [
      ["↑ ↓", "move"],
      ["→ ←", "unfold and fold, or go in and out"],
      ["Home End", "first and last row"],
      ["Enter", "edit the value, open the text"],
      ["A", "add an entry"],
      ["Delete", "delete the entry"],
    ],
  ],
];

function HelpDialog({ app }: { app: AppState }): JSX.Element {
  return (
    <Frame app={app} title="Keyboard" testId="help-dialog">
      <div class="shortcuts">
        {shortcuts.map(([title, keys]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(" ").map((part) => (
                      <kbd key={part}>{part}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value}
          onChange={(event) => storeSingleKeys(event.currentTarget.checked)}
        />
        Single keys work anywhere on the page
      </label>
      <p class="hint">
        This page speaks to the server as any Yjs editor does. “Saved” means that the server has
        confirmed your edits to be on its disk; until then they count as “Saving…”.
      </p>
    </Frame>
  );
}

const kindsInWords = {
  none: "Without one, you enter as a guest where the server allows guests.",
  token: "A token: each connection gets a ticket of its own for it.",
  ticket: "A ticket: it opens one connection, within 30 seconds of its making.",
} as const;

function AccessDialog({ app }: { app: AppState }): JSX.Element {
  const text = useSignal("");
  const held = app.credentials.value.kind;
  return (
    <Frame app={app} title="Token or ticket" testId="access-dialog">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          app.signIn(text.value);
        }}
      >
        <label class="field">
          <span>{held === "none" ? "Paste it here" : `Replace the ${held} in use`}</span>
          <input
            type="password"
            class="input mono"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
            autocomplete="off"
            spellcheck={false}
            data-testid="access-input"
          />
        </label>
        <p class="hint">{kindsInWords[credentialsOf(text.value).kind]}</p>
        <div class="dialog-actions">
          {held !== "none" && (
            <button type="button" class="button" onClick={() => app.signIn("")}>
              Enter as a guest
            </button>
          )}
          <button
            type="submit"
            class="button primary"
            disabled={text.value.trim() === ""}
            data-testid="access-submit"
          >
            {app.page.value === "room" ? "Enter the room" : "Use it"}
          </button>
        </div>
      </form>
      <p class="hint">
        It is kept in this tab only, sent to this server only, and never part of an address you
        could share.
      </p>
    </Frame>
  );
}
