import type { JSX } from "preact";
import { pathId } from "../document/nodes.ts";
import { inkOn } from "../presence/colors.ts";
import type { Person } from "../presence/people.ts";
import { noteInWords } from "../score/note-words.ts";
import { letterOf } from "../score/pitch.ts";
import type { StripMeasure, StripNote, StripPart } from "../score/score-model.ts";
import { labelFit, laneHeight, NOTE_HEIGHT_PX, noteBox } from "../score/strip-layout.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { followDocument } from "./follow.ts";
import { noteElementId } from "./score-strip.tsx";

interface NumbersProps {
  measures: readonly StripMeasure[];
  offsets: readonly number[];
  first: number;
  total: number;
}

/** The row above the parts: numbers of the measures, and the time where it changes. */
export function MeasureNumbers({ measures, offsets, first, total }: NumbersProps): JSX.Element {
  return (
    <div class="lane-row numbers" role="presentation">
      <span class="lane-name" />
      <div class="lane" role="presentation" style={{ width: `${total}px` }}>
        {measures.map((measure, index) => (
          <span
            key={measure.id}
            class="measure-number"
            style={{ left: `${offsets[first + index] ?? 0}px` }}
          >
            {measure.number}
            {measure.time !== null && <span class="measure-time">{measure.time}</span>}
          </span>
        ))}
      </div>
    </div>
  );
}

interface LaneProps extends NumbersProps {
  app: AppState;
  session: RoomSession;
  part: StripPart;
  hue: number;
  selections: ReadonlyMap<string, readonly Person[]>;
}

/** One part: its name, and its notes in the measures on show. */
export function PartLane(props: LaneProps): JSX.Element {
  const { app, session, part, hue, measures, offsets, first, total, selections } = props;
  followDocument(session);
  const model = session.score;
  return (
    <div class={`lane-row part-${hue}`} role="row" aria-label={part.name}>
      <span class="lane-name" role="rowheader">
        <span class="lane-name-text">{part.name}</span>
        <span class="lane-name-short" aria-hidden="true">
          {part.name.slice(0, 1)}
        </span>
      </span>
      <div
        class="lane"
        role="presentation"
        style={{ width: `${total}px`, height: `${laneHeight(part)}px` }}
      >
        {measures.map((measure, index) => {
          const left = offsets[first + index] ?? 0;
          const right = offsets[first + index + 1] ?? left;
          return (
            <div
              key={measure.id}
              class={app.sounding.value === measure.id ? "cell sounding" : "cell"}
              role="presentation"
              style={{ left: `${left}px`, width: `${right - left}px` }}
            >
              {model?.cell(part.id, measure.id).map((note) => (
                <Note
                  key={note.id}
                  app={app}
                  session={session}
                  note={note}
                  part={part}
                  measure={measure}
                  others={selections.get(note.id)}
                />
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface NoteProps {
  app: AppState;
  session: RoomSession;
  note: StripNote;
  part: StripPart;
  measure: StripMeasure;
  others: readonly Person[] | undefined;
}

function Note({ app, session, note, part, measure, others }: NoteProps): JSX.Element {
  followDocument(session);
  const box = noteBox(note, part);
  const fit = labelFit(box.width);
  const selected = app.selectedNote.value === note.id;
  const highlight =
    session.highlights.get(pathId(["pt", note.id])) ??
    session.highlights.get(pathId(["ev", note.id]));
  const classes = ["note"];
  if (note.rest) classes.push("rest");
  if (selected) classes.push("selected");
  if (others !== undefined) classes.push("held");
  const other = others?.[0];
  return (
    <>
      <div
        id={noteElementId(note.id)}
        class={classes.join(" ")}
        role="gridcell"
        aria-label={noteInWords(note, part, measure)}
        aria-selected={selected}
        data-note={note.id}
        title={noteInWords(note, part, measure)}
        style={{
          left: `${box.left}px`,
          top: `${box.top}px`,
          width: `${box.width}px`,
          height: `${NOTE_HEIGHT_PX}px`,
          "--person": other?.color ?? "transparent",
        }}
        onClick={() => app.selectNote(note.id)}
      >
        {highlight !== undefined && (
          <span key={highlight.sequence} class="glow" style={{ "--glow": highlight.color }} />
        )}
        {note.pitch !== null && fit !== "none" && (
          <span class={`note-label ${fit}`} aria-hidden="true">
            {letterOf(note.pitch)}
            {fit === "full" && <span class="note-octave">{note.pitch.octave}</span>}
          </span>
        )}
        {note.fermata && <Fermata />}
        {other !== undefined && (
          <span class="note-flag" style={{ "--person-ink": inkOn(other.color) }}>
            {others?.length === 1 ? other.name : `${other.name} +${(others?.length ?? 1) - 1}`}
          </span>
        )}
      </div>
      {note.syllable !== null && (
        <span class="syllable" aria-hidden="true" style={{ left: `${box.left}px` }}>
          {note.syllable}
        </span>
      )}
    </>
  );
}

function Fermata(): JSX.Element {
  return (
    <svg class="fermata" viewBox="0 0 16 9" aria-hidden="true" focusable="false">
      <path d="M1.5 8a6.5 6.5 0 0 1 13 0" />
      <circle cx="8" cy="7" r="1.3" />
    </svg>
  );
}
