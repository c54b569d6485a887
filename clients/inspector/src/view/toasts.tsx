import type { JSX } from "preact";
import type { AppState } from "./app-state.ts";
import { Cross } from "./icons.tsx";

/** Short notes at the foot of the page, gone by themselves after a few seconds. */
export function Toasts({ app }: { app: AppState }): JSX.Element {
  const leave = (id: number): void => {
    app.dismiss(id);
    // The button that had the focus is gone; the tree is where the person came from.
    document.getElementById("tree")?.focus({ preventScroll: true });
  };
  return (
    <div class="toasts" role="status">
      {app.toasts.value.map((toast) => (
        <div class="toast" key={toast.id}>
          <span>{toast.text}</span>
          {toast.undo && (
            <button
              type="button"
              class="link"
              onClick={() => {
                app.undo();
                leave(toast.id);
              }}
            >
              Take back
            </button>
          )}
          <button
            type="button"
            class="icon-button small"
            aria-label="Dismiss"
            onClick={() => leave(toast.id)}
          >
            <Cross />
          </button>
        </div>
      ))}
    </div>
  );
}
