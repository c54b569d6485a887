import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Player } from "../score/player.ts";
import type { ScoreModel } from "../score/score-model.ts";
import type { AppState } from "./app-state.ts";
import { Play, Stop } from "./icons.tsx";

/** Plays the score from the selected note's measure, or from the start. */
export function ListenButton({ app, model }: { app: AppState; model: ScoreModel }): JSX.Element {
  const player = useRef<Player | null>(null);
  const playing = useSignal(false);
  const stop = (): void => {
    player.current?.stop();
    player.current = null;
    playing.value = false;
  };
  useEffect(() => stop, []);
  const start = (): void => {
    const selected = app.selectedNote.value;
    const from = selected === null ? null : (model.note(selected)?.measure ?? null);
    player.current = new Player(model, from, (measure) => {
      app.sounding.value = measure;
      if (measure !== null) return;
      player.current = null;
      playing.value = false;
    });
    playing.value = true;
  };
  return (
    <button
      type="button"
      class="button listen"
      aria-pressed={playing.value}
      data-testid="listen"
      onClick={playing.value ? stop : start}
    >
      {playing.value ? <Stop /> : <Play />} {playing.value ? "Stop" : "Listen"}
    </button>
  );
}
