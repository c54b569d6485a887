import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { abilitiesAt } from "../document/edits.ts";
import { isExpandable, resolve } from "../document/nodes.ts";
import { counted, type TreeRow } from "../document/tree-rows.ts";
import type { Person } from "../presence/people.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { removeWithToast } from "./edit-actions.ts";
import { EmptyRoom } from "./empty-room.tsx";
import { Cross, Search } from "./icons.tsx";
import { Row } from "./tree-row.tsx";

export const ROW_PX = 30;
const OVERSCAN_ROWS = 6;

export function TreeCard({ app, session }: { app: AppState; session: RoomSession }): JSX.Element {
  const rows = app.rows.value;
  const loaded = session.loaded.value;
  return (
    <section class="card tree-card" aria-labelledby="tree-title">
      <div class="card-head">
        <h2 id="tree-title">Document</h2>
        <TreeFilter app={app} rows={rows} />
      </div>
      {!loaded && rows.length === 0 ? (
        <TreeSkeleton />
      ) : rows.length === 0 && app.filter.value === "" ? (
        <EmptyRoom app={app} session={session} />
      ) : (
        <Tree app={app} session={session} rows={rows} />
      )}
    </section>
  );
}

function TreeFilter({ app, rows }: { app: AppState; rows: readonly TreeRow[] }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const set = (text: string, wait: number): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      app.filter.value = text;
    }, wait);
  };
  const filter = app.filter.value;
  useEffect(() => {
    if (filter === "" && input.current !== null && document.activeElement !== input.current) {
      input.current.value = "";
    }
  }, [filter]);
  const matches = rows.reduce((sum, row) => (row.depth === 0 ? sum + (row.matches ?? 0) : sum), 0);
  return (
    <div class="filter">
      <Search />
      <input
        ref={input}
        id="tree-filter"
        type="text"
        class="filter-input"
        placeholder="Filter by words"
        aria-label="Filter the document by words in names and values"
        data-testid="tree-filter"
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => set(event.currentTarget.value, 120)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.currentTarget.value = "";
            set("", 0);
          } else if (event.key === "ArrowDown" || event.key === "Enter") {
            document.getElementById("tree")?.focus();
            event.preventDefault();
          }
        }}
      />
      {filter !== "" && (
        <>
          <span class="filter-count" role="status" data-testid="filter-count">
            {counted(matches, "match", "matches")}
          </span>
          <button
            type="button"
            class="icon-button small"
            aria-label="Clear the filter"
            onClick={() => {
              if (input.current !== null) input.current.value = "";
              app.filter.value = "";
            }}
          >
            <Cross />
          </button>
        </>
      )}
    </div>
  );
}

interface TreeProps {
  app: AppState;
  session: RoomSession;
  rows: readonly TreeRow[];
}

/** The rows in view, of however many there are; the others exist as empty space only. */
function Tree({ app, session, rows }: TreeProps): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const view = useSignal({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = (): void => {
      view.value = { top: element.scrollTop, height: element.clientHeight };
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [view]);
  useReveal(app, rows, scroller);

  const first = Math.max(0, Math.floor(view.value.top / ROW_PX) - OVERSCAN_ROWS);
  const end = Math.ceil((view.value.top + view.value.height) / ROW_PX) + OVERSCAN_ROWS;
  const selected = app.selectedRow.value;
  const selectedIndex = rows.findIndex((row) => row.id === selected);
  const visible = rows.slice(first, end);
  const peopleByRow = useMemo(() => groupByRow(session.people.value), [session.people.value]);
  const shown = selectedIndex >= first && selectedIndex < end;
  return (
    <div
      ref={scroller}
      id="tree"
      class="tree"
      role="tree"
      tabIndex={0}
      aria-label="The document as a tree"
      aria-activedescendant={shown ? `row-${selectedIndex}` : undefined}
      data-testid="tree"
      data-rows={rows.length}
      onScroll={(event) => {
        const { scrollTop, clientHeight } = event.currentTarget;
        view.value = { top: scrollTop, height: clientHeight };
      }}
      onKeyDown={(event) => {
        if (event.target === scroller.current) onTreeKey(app, session, rows, selectedIndex, event);
      }}
    >
      <div class="tree-space" role="presentation" style={{ height: `${rows.length * ROW_PX}px` }}>
        {visible.map((row, offset) => (
          <Row
            key={row.id}
            app={app}
            session={session}
            row={row}
            index={first + offset}
            people={peopleByRow.get(row.id)}
          />
        ))}
      </div>
      {rows.length === 0 && <p class="tree-nothing">Nothing matches this filter.</p>}
    </div>
  );
}

/** Scrolls to a row that was asked for, as soon as it is among the rows. */
function useReveal(
  app: AppState,
  rows: readonly TreeRow[],
  scroller: { current: HTMLDivElement | null },
): void {
  const done = useRef(0);
  const wanted = app.reveal.value;
  useEffect(() => {
    const element = scroller.current;
    if (wanted === null || element === null || done.current === wanted.request) return;
    const index = rows.findIndex((row) => row.id === wanted.id);
    if (index < 0) return;
    done.current = wanted.request;
    const top = index * ROW_PX;
    const margin = 2 * ROW_PX;
    const { scrollTop, clientHeight } = element;
    if (top < scrollTop + margin) element.scrollTop = top - margin;
    else if (top + ROW_PX > scrollTop + clientHeight - margin) {
      element.scrollTop = Math.max(0, top - clientHeight / 2);
    }
  }, [wanted, rows, scroller]);
}

function onTreeKey(
  app: AppState,
  session: RoomSession,
  rows: readonly TreeRow[],
  index: number,
  event: KeyboardEvent,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const row = rows[index];
  const move = (to: number): void => {
    const target = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (target !== undefined) app.goTo(target.path);
  };
  const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW_PX));
  const moves: Readonly<Record<string, () => void>> = {
    ArrowDown: () => move(index + 1),
    ArrowUp: () => move(index < 0 ? 0 : index - 1),
    PageDown: () => move(index + page),
    PageUp: () => move(index - page),
    Home: () => move(0),
    End: () => move(rows.length - 1),
    ArrowRight: () => {
      if (row === undefined || !isExpandable(resolve(session.doc, row.path))) return;
      if (row.expanded) move(index + 1);
      else app.expand(row.id);
    },
    ArrowLeft: () => {
      if (row === undefined) return;
      if (row.expanded && app.filter.value === "") app.collapse(row.id);
      else if (row.depth > 0) app.goTo(row.path.slice(0, -1));
    },
    Enter: () => row !== undefined && openRow(app, session, row),
    F2: () => row !== undefined && openRow(app, session, row),
    Delete: () => row !== undefined && removeWithToast(app, session, row.path),
    a: () => focusAddition(),
    Escape: () => app.select(null),
  };
  const action = moves[event.key];
  if (action === undefined) return;
  action();
  event.preventDefault();
}

/** Enter: edit a value in its row, unfold a container, go to the editor of a text. */
export function openRow(app: AppState, session: RoomSession, row: TreeRow): void {
  const abilities = abilitiesAt(session.doc, row.path);
  if (abilities.setValue && !session.readOnly.value) app.editing.value = row.id;
  else if (isExpandable(resolve(session.doc, row.path))) app.toggle(row.id);
  else if (abilities.editText) focusEditor();
}

function focusEditor(): void {
  document.querySelector<HTMLElement>("[data-editor]")?.focus();
}

function focusAddition(): void {
  document.querySelector<HTMLElement>("[data-addition]")?.focus();
}

function groupByRow(people: readonly Person[]): Map<string, Person[]> {
  const groups = new Map<string, Person[]>();
  for (const person of people) {
    if (person.self || person.rowId === null) continue;
    const group = groups.get(person.rowId);
    if (group === undefined) groups.set(person.rowId, [person]);
    else group.push(person);
  }
  return groups;
}

function TreeSkeleton(): JSX.Element {
  return (
    <div
      class="skeleton"
      role="status"
      aria-label="Loading the document"
      data-testid="tree-loading"
    >
      {[62, 48, 71, 55, 66, 40, 58, 50].map((width) => (
        <span key={width} class="skeleton-row" style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
