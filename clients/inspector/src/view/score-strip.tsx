import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Person } from "../presence/people.ts";
import type { ScoreModel } from "../score/score-model.ts";
import { measureOffsets, visibleMeasures } from "../score/strip-layout.ts";
import { moveOfKey } from "../score/strip-moves.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { followDocument } from "./follow.ts";
import { ListenButton } from "./listen-button.tsx";
import { moveOnStrip } from "./pitch-actions.ts";
import { MeasureNumbers, PartLane } from "./score-lane.tsx";
import { StripControls } from "./strip-controls.tsx";

interface Props {
  app: AppState;
  session: RoomSession;
}

/** The card at the top: the score that the facets hold, as it is this very moment. */
export function ScoreCard({ app, session }: Props): JSX.Element | null {
  followDocument(session);
  const model = session.score;
  if (model === null) return <h1 class="visually-hidden">{session.room}</h1>;
  const title = model.meta("title");
  const composer = model.meta("composer");
  return (
    <section class="card score-card" aria-label="Score" data-testid="score-strip">
      <div class="score-head">
        <div class="score-title">
          <h1>{title ?? session.room}</h1>
          {composer !== null && <p>{[composer, model.meta("work")].filter(Boolean).join(", ")}</p>}
        </div>
        <StripControls app={app} session={session} model={model} />
        <ListenButton app={app} model={model} />
      </div>
      <Strip app={app} session={session} model={model} />
    </section>
  );
}

function Strip({ app, session, model }: Props & { model: ScoreModel }): JSX.Element {
  followDocument(session);
  const scroller = useRef<HTMLDivElement>(null);
  const view = useSignal({ left: 0, width: 1200 });
  const { measures, parts } = model;
  const offsets = useMemo(() => measureOffsets(measures), [measures]);
  const window = visibleMeasures(offsets, view.value.left - 200, view.value.width + 400);
  const total = offsets.at(-1) ?? 0;
  const selections = useMemo(() => bySelection(session.people.value), [session.people.value]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const look = (): void => {
      view.value = { left: element.scrollLeft, width: element.clientWidth };
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [view]);
  useKeepInView(scroller, app.selectedNote.value, model, offsets);

  const selected = app.selectedNote.value;
  const visible = measures.slice(window.first, window.end);
  return (
    <div
      ref={scroller}
      id="score-grid"
      class="strip"
      role="grid"
      tabIndex={0}
      aria-label="Notes of the score, a row for each part"
      aria-rowcount={parts.length}
      aria-activedescendant={selected === null ? undefined : noteElementId(selected)}
      onScroll={(event) => {
        const { scrollLeft, clientWidth } = event.currentTarget;
        view.value = { left: scrollLeft, width: clientWidth };
      }}
      onKeyDown={(event) => onStripKey(app, session, model, event)}
    >
      <MeasureNumbers measures={visible} offsets={offsets} first={window.first} total={total} />
      {parts.map((part, index) => (
        <PartLane
          key={part.id}
          app={app}
          session={session}
          part={part}
          hue={index % 8}
          measures={visible}
          offsets={offsets}
          first={window.first}
          total={total}
          selections={selections}
        />
      ))}
    </div>
  );
}

export function noteElementId(id: string): string {
  return `note-${id}`;
}

/** Brings the selected note into view when it is another one than before. */
function useKeepInView(
  scroller: { current: HTMLDivElement | null },
  id: string | null,
  model: ScoreModel,
  offsets: readonly number[],
): void {
  useEffect(() => {
    const element = scroller.current;
    const note = id === null ? undefined : model.note(id);
    if (element === null || note === undefined) return;
    const index = model.measures.findIndex((measure) => measure.id === note.measure);
    const left = offsets[index];
    const right = offsets[index + 1];
    if (left === undefined || right === undefined) return;
    const names = element.querySelector<HTMLElement>(".lane-name")?.offsetWidth ?? 0;
    const width = element.clientWidth - names;
    if (left < element.scrollLeft) element.scrollTo({ left: left - 24 });
    else if (right > element.scrollLeft + width) element.scrollTo({ left: right - width + 24 });
    // Only a new selection moves the view; edits and scrolling do not.
  }, [id]);
}

function onStripKey(
  app: AppState,
  session: RoomSession,
  model: ScoreModel,
  event: KeyboardEvent,
): void {
  if (event.ctrlKey || event.metaKey) return;
  if (event.key === "Escape") app.selectNote(null);
  else if (event.key === "Enter") document.getElementById("tree")?.focus();
  else {
    const move = moveOfKey(event);
    if (move === null) return;
    moveOnStrip(app, session, model, move);
  }
  event.preventDefault();
}

function bySelection(people: readonly Person[]): ReadonlyMap<string, Person[]> {
  const groups = new Map<string, Person[]>();
  for (const person of people) {
    if (person.self || person.selectionId === null) continue;
    const group = groups.get(person.selectionId);
    if (group === undefined) groups.set(person.selectionId, [person]);
    else group.push(person);
  }
  return groups;
}
