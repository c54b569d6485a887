import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { addEntry, appendItem } from "../document/edits.ts";
import { parseJson } from "../document/json-value.ts";
import { type Path, pathId } from "../document/nodes.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { Plus } from "./icons.tsx";

interface Props {
  app: AppState;
  session: RoomSession;
  path: Path;
  kind: "map" | "array";
}

/** A form that adds an entry to the selected map, or an item to the selected array. */
export function AddEntry({ app, session, path, kind }: Props): JSX.Element {
  const key = useSignal("");
  const value = useSignal("");
  const error = useSignal<string | null>(null);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const check = parseJson(value.value);
    if (!check.ok) {
      error.value = check.reason;
      return;
    }
    session.undo.stopCapturing();
    if (kind === "array") {
      const index = appendItem(session.doc, path, check.value);
      if (index !== null) app.goTo([...path, String(index)]);
    } else if (key.value === "") {
      error.value = "Give the entry a key.";
      return;
    } else if (!addEntry(session.doc, path, key.value, check.value)) {
      error.value = "There is an entry of this key.";
      return;
    } else {
      app.expand(pathId(path));
      app.goTo([...path, key.value]);
    }
    key.value = "";
    value.value = "";
  };
  return (
    <form class="add-entry" onSubmit={submit} aria-label="Add an entry">
      <h3>{kind === "map" ? "Add an entry" : "Add an item at the end"}</h3>
      {kind === "map" && (
        <input
          class="input mono"
          placeholder="key"
          aria-label="Key"
          value={key.value}
          spellcheck={false}
          autocomplete="off"
          data-addition
          data-testid="add-key"
          onInput={(event) => {
            key.value = event.currentTarget.value;
            error.value = null;
          }}
        />
      )}
      <input
        class="input mono"
        placeholder={'JSON value, "text" in quotes'}
        aria-label="Value, as JSON"
        value={value.value}
        spellcheck={false}
        autocomplete="off"
        data-addition={kind === "array"}
        data-testid="add-value"
        onInput={(event) => {
          value.value = event.currentTarget.value;
          error.value = null;
        }}
      />
      <button type="submit" class="button" data-testid="add-submit">
        <Plus /> Add
      </button>
      {error.value !== null && (
        <p class="field-error" role="alert">
          {error.value}
        </p>
      )}
    </form>
  );
}
