import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { createRoot, type NewRootKind } from "../document/edits.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";

const kinds: ReadonlyArray<[NewRootKind, string]> = [
  ["text", "Text"],
  ["map", "Map"],
  ["array", "Array"],
];

/** A small form for a top-level type of any name. */
export function NewRoot({ app, session }: { app: AppState; session: RoomSession }): JSX.Element {
  const name = useSignal("");
  const kind = useSignal<NewRootKind>("text");
  const error = useSignal<string | null>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const wanted = name.value.trim();
    if (wanted === "") error.value = "Give it a name.";
    else if (session.doc.share.has(wanted)) error.value = "There is one of this name.";
    else {
      createRoot(session.doc, kind.value, wanted);
      app.expand(wanted);
      app.goTo([wanted]);
      name.value = "";
    }
  };
  return (
    <form class="new-root" onSubmit={submit} aria-label="New top-level type">
      <input
        class="input"
        placeholder="name of a new type"
        aria-label="Name of a new top-level type"
        aria-invalid={error.value !== null}
        value={name.value}
        data-testid="new-root-name"
        onInput={(event) => {
          name.value = event.currentTarget.value;
          error.value = null;
        }}
      />
      <select
        class="input"
        aria-label="Its kind"
        value={kind.value}
        data-testid="new-root-kind"
        onChange={(event) => {
          kind.value = event.currentTarget.value as NewRootKind;
        }}
      >
        {kinds.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <button type="submit" class="button" data-testid="new-root-add">
        Add
      </button>
      {error.value !== null && (
        <p class="field-error" role="alert">
          {error.value}
        </p>
      )}
    </form>
  );
}
