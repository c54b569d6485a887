import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { askApi, textField } from "../connection/api.ts";
import { tokenOf } from "../connection/tickets.ts";
import type { AppState } from "./app-state.ts";

const TIMEOUT_MS = 5000;

/** Asks where a room is at home that is not among those listed; it need not be open, nor exist. */
export function HomeLookup({ app, name }: { app: AppState; name: string }): JSX.Element {
  const answer = useSignal<string | null>(null);
  const ask = async (): Promise<void> => {
    const path = `/v1/rooms/${encodeURIComponent(name)}/node`;
    const told = await askApi(path, {
      token: tokenOf(app.credentials.value),
      timeoutMs: TIMEOUT_MS,
    });
    if (told.kind !== "answer") {
      answer.value = told.detail;
      return;
    }
    const address = textField(told.body, "address");
    const node = textField(told.body, "node") ?? "nobody";
    answer.value = `At home on ${node}${address === null ? "" : `, ${address}`}.`;
  };
  return (
    <div class="lookup">
      <button type="button" class="button" data-testid="home-lookup" onClick={() => void ask()}>
        Where is “{name}” at home?
      </button>
      <p role="status" data-testid="home-answer">
        {answer.value}
      </p>
    </div>
  );
}
