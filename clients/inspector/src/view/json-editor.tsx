import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { setValue } from "../document/edits.ts";
import { editableText, parseJson, previewOf } from "../document/json-value.ts";
import type { Path } from "../document/nodes.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";

interface Props {
  app: AppState;
  session: RoomSession;
  path: Path;
  value: unknown;
}

interface Draft {
  text: string;
  /** The value that the draft began from, as JSON. */
  base: string;
}

/** A JSON value as text, checked while it is typed; follows the document until it is touched. */
export function JsonEditor({ app, session, path, value }: Props): JSX.Element {
  const draft = useSignal<Draft | null>(null);
  const readOnly = session.readOnly.value;
  const now = JSON.stringify(value) ?? "null";
  const text = draft.value?.text ?? editableText(value);
  const check = parseJson(text);
  const changedMeanwhile = draft.value !== null && draft.value.base !== now;
  const apply = (): void => {
    if (!check.ok || readOnly) return;
    session.undo.stopCapturing();
    if (!setValue(session.doc, path, check.value)) app.toast("The entry is gone meanwhile.");
    draft.value = null;
  };
  return (
    <div class="json-editor">
      <textarea
        class={check.ok ? "code" : "code invalid"}
        rows={Math.min(14, Math.max(3, text.split("\n").length))}
        value={text}
        readOnly={readOnly}
        spellcheck={false}
        aria-label={`Value of ${path.join(" / ")}, as JSON`}
        aria-invalid={!check.ok}
        aria-describedby="json-note"
        data-editor
        data-testid="json-editor"
        onInput={(event) => {
          draft.value = {
            text: event.currentTarget.value,
            base: draft.value?.base ?? now,
          };
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            apply();
            event.preventDefault();
          } else if (event.key === "Escape") {
            draft.value = null;
          }
        }}
      />
      <p id="json-note" class={check.ok ? "hint" : "field-error"} role="status">
        {check.ok
          ? changedMeanwhile
            ? `Somebody changed it meanwhile to ${previewOf(value, 80)}`
            : noteOn(readOnly)
          : check.reason}
      </p>
      {draft.value !== null && (
        <div class="editor-actions">
          <button
            type="button"
            class="button primary"
            disabled={!check.ok || readOnly}
            onClick={apply}
            data-testid="json-apply"
          >
            Apply
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              draft.value = null;
            }}
          >
            {changedMeanwhile ? "Take theirs" : "Revert"}
          </button>
        </div>
      )}
    </div>
  );
}

function noteOn(readOnly: boolean): string {
  return readOnly ? "You may read this value." : "JSON; Ctrl Enter applies it.";
}
