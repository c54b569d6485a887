import type { JSX } from "preact";
import type { ScoreModel } from "../score/score-model.ts";
import type { StripMove } from "../score/strip-moves.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { moveOnStrip } from "./pitch-actions.ts";

interface Props {
  app: AppState;
  session: RoomSession;
  model: ScoreModel;
}

const moves: ReadonlyArray<[sign: string, label: string, move: StripMove, edits: boolean]> = [
  ["←", "Previous note", { kind: "along", by: -1 }, false],
  ["→", "Next note", { kind: "along", by: 1 }, false],
  ["↑", "Pitch one step up", { kind: "steps", by: 1 }, true],
  ["↓", "Pitch one step down", { kind: "steps", by: -1 }, true],
];

/** The arrow keys of the strip as buttons: a hint to who types, a way to who touches. */
export function StripControls({ app, session, model }: Props): JSX.Element {
  const none = app.selectedNote.value === null;
  return (
    <fieldset class="strip-controls" aria-label="Move and change the selected note">
      {moves.map(([sign, label, move, edits]) => (
        <button
          key={sign}
          type="button"
          class="key-button"
          title={label}
          aria-label={label}
          disabled={edits && (none || session.readOnly.value)}
          onClick={() => moveOnStrip(app, session, model, move)}
        >
          {sign}
        </button>
      ))}
    </fieldset>
  );
}
