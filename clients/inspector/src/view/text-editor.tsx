import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type * as Y from "yjs";
import type { Path } from "../document/nodes.ts";
import { TextBinding } from "../document/text-binding.ts";
import { counted } from "../document/tree-rows.ts";
import type { RoomSession } from "../session/room-session.ts";
import { followDocument } from "./follow.ts";

interface Props {
  session: RoomSession;
  text: Y.Text;
  path: Path;
}

/** A shared text in a text area. */
export function TextEditor({ session, text, path }: Props): JSX.Element {
  followDocument(session);
  const field = useRef<HTMLTextAreaElement>(null);
  const binding = useRef<TextBinding | null>(null);
  useEffect(() => {
    if (field.current === null) return;
    const element = field.current;
    binding.current = new TextBinding(text, element);
    return () => {
      binding.current?.destroy();
      binding.current = null;
    };
  }, [text]);
  return (
    <div class="text-editor">
      <textarea
        ref={field}
        class="prose"
        rows={12}
        readOnly={session.readOnly.value}
        aria-label={`The text ${path.join(" / ")}`}
        data-editor
        data-testid="text-editor"
        onInput={() => binding.current?.onInput()}
        onCompositionStart={() => binding.current?.onCompositionStart()}
        onCompositionEnd={() => binding.current?.onCompositionEnd()}
        onKeyDown={(event) => {
          // The browser's own undo knows nothing of what others wrote between.
          const key = event.key.toLowerCase();
          if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y")) return;
          event.preventDefault();
          event.stopPropagation();
          if (key === "y" || event.shiftKey) session.undo.redo();
          else session.undo.undo();
        }}
      />
      <p class="hint">
        {counted(text.length, "character", "characters")}; everybody types here at once.
      </p>
    </div>
  );
}
