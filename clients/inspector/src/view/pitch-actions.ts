import { setValue } from "../document/edits.ts";
import type { Json } from "../document/json-value.ts";
import { resolve } from "../document/nodes.ts";
import { spokenName, withPitch } from "../score/pitch.ts";
import type { ScoreModel, StripNote } from "../score/score-model.ts";
import { editedPitch, neighbour, type StripMove } from "../score/strip-moves.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";

/** Does what a key or button of the strip asks for, with the selected note. */
export function moveOnStrip(
  app: AppState,
  session: RoomSession,
  model: ScoreModel,
  move: StripMove,
): void {
  const id = app.selectedNote.value;
  const note = id === null ? undefined : model.note(id);
  if (note === undefined) selectFirst(app, model);
  else if (move.kind === "along" || move.kind === "across" || move.kind === "edge") {
    const next = neighbour(model, note, move);
    if (next !== null) app.selectNote(next.id);
  } else {
    changePitch(app, session, model, note, move);
  }
}

function changePitch(
  app: AppState,
  session: RoomSession,
  model: ScoreModel,
  note: StripNote,
  move: StripMove,
): void {
  if (session.readOnly.value) {
    app.toast("Your role lets you read only.");
    return;
  }
  const measure = model.measures.find((candidate) => candidate.id === note.measure);
  const fifths = measure?.fifths ?? 0;
  const pitch = note.pitch === null ? null : editedPitch(note.pitch, fifths, move);
  const before = resolve(session.doc, ["pt", note.id]);
  if (pitch === null || typeof before !== "object" || before === null) return;
  setValue(session.doc, ["pt", note.id], withPitch(before, pitch, fifths) as Json);
  app.announcement.value = spokenName(pitch);
}

function selectFirst(app: AppState, model: ScoreModel): void {
  const part = model.parts[0];
  if (part === undefined) return;
  for (const measure of model.measures) {
    const first = model.cell(part.id, measure.id)[0];
    if (first === undefined) continue;
    app.selectNote(first.id);
    return;
  }
}
