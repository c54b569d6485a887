import type { JSX } from "preact";
import type { AppState } from "./app-state.ts";
import { Cross } from "./icons.tsx";

/** Short notes at the foot of the page, gone by themselves after a few seconds. */
export function Toasts({ app }: { app: AppState }): JSX.Element {
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
                app.dismiss(toast.id);
              }}
            >
              Take back
            </button>
          )}
          <button
            type="button"
            class="icon-button small"
            aria-label="Dismiss"
            onClick={() => app.dismiss(toast.id)}
          >
            <Cross />
          </button>
        </div>
      ))}
    </div>
  );
}
