import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import * as Y from "yjs";
import { abilitiesAt, setValue } from "../document/edits.ts";
import { parseJson, previewOf } from "../document/json-value.ts";
import {
  isContainer,
  isExpandable,
  kindName,
  kindOf,
  type NodeKind,
  resolve,
  sizeOf,
} from "../document/nodes.ts";
import { summaryOf, type TreeRow } from "../document/tree-rows.ts";
import { inkOn } from "../presence/colors.ts";
import { initialsOf, type Person } from "../presence/people.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { removeWithToast } from "./edit-actions.ts";
import { followDocument } from "./follow.ts";
import { Bin, Chevron, Pencil } from "./icons.tsx";
import { openRow, ROW_PX } from "./tree.tsx";

interface RowProps {
  app: AppState;
  session: RoomSession;
  row: TreeRow;
  index: number;
  people: readonly Person[] | undefined;
}

/** One row; what it says of its value is read from the document at this moment. */
export function Row({ app, session, row, index, people }: RowProps): JSX.Element {
  followDocument(session);
  const node = resolve(session.doc, row.path);
  // Read now: a value may have become a list since the rows were last laid out.
  const expandable = isExpandable(node);
  const selected = app.selectedRow.value === row.id;
  const highlight = row.expanded ? undefined : session.highlights.get(row.id);
  const editing = app.editing.value === row.id;
  const related = !selected && isRelated(app, row);
  const classes = ["row"];
  if (selected) classes.push("selected");
  if (related) classes.push("related");
  if (row.depth === 0) classes.push("root");
  return (
    <div
      id={`row-${index}`}
      class={classes.join(" ")}
      role="treeitem"
      aria-level={row.depth + 1}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-selected={selected}
      aria-expanded={expandable ? row.expanded : undefined}
      data-path={row.path.join("/")}
      style={{ transform: `translateY(${index * ROW_PX}px)`, "--depth": String(row.depth) }}
      onMouseDown={(event) => {
        if (editing || event.button !== 0) return;
        app.select(row.path);
      }}
      onDblClick={() => openRow(app, session, row)}
    >
      {highlight !== undefined && (
        <span key={highlight.sequence} class="glow" style={{ "--glow": highlight.color }} />
      )}
      <Twisty app={app} row={row} expandable={expandable} />
      <span class="row-key" title={row.label}>
        {row.label}
      </span>
      {editing ? (
        <InlineEditor app={app} session={session} row={row} value={node} />
      ) : (
        <RowValue session={session} row={row} node={node} />
      )}
      {people !== undefined && <RowPeople people={people} />}
      {!editing && <RowActions app={app} session={session} row={row} />}
    </div>
  );
}

/** While a note is selected, its entries in other facets are marked as well. */
function isRelated(app: AppState, row: TreeRow): boolean {
  const note = app.selectedNote.value;
  if (note === null || row.depth !== 1) return false;
  return row.label === note || row.label === `${note}|1`;
}

interface TwistyProps {
  app: AppState;
  row: TreeRow;
  expandable: boolean;
}

function Twisty({ app, row, expandable }: TwistyProps): JSX.Element {
  if (!expandable) return <span class="twisty" />;
  return (
    <span
      class={row.expanded ? "twisty open" : "twisty"}
      role="presentation"
      onMouseDown={(event) => {
        event.stopPropagation();
        if (app.filter.value === "") app.toggle(row.id);
      }}
      onDblClick={(event) => event.stopPropagation()}
    >
      <Chevron />
    </span>
  );
}

interface ValueProps {
  session: RoomSession;
  row: TreeRow;
  node: unknown;
}

function RowValue({ session, row, node }: ValueProps): JSX.Element {
  followDocument(session);
  const kind = kindOf(node);
  const shared = kind === "map" || kind === "array" || kind === "xml";
  const count =
    row.matches !== null && shared
      ? `${row.matches} of ${countOf(session, node, kind)}`
      : summaryOf(node, kind, countOf(session, node, kind));
  return (
    <>
      {isTagged(kind) && <span class="tag">{kindName(kind, node)}</span>}
      <span class={`row-value ${valueClass(kind, node)}`}>
        {row.expanded && !shared ? "" : count}
      </span>
    </>
  );
}

/** How many children a node has; the sorted keys of a map are at hand, its size is counted. */
function countOf(session: RoomSession, node: unknown, kind: NodeKind): number {
  return node instanceof Y.Map ? session.watch.keys.of(node).length : sizeOf(node, kind);
}

function isTagged(kind: NodeKind): boolean {
  return kind !== "value" && kind !== "object" && kind !== "list";
}

function valueClass(kind: NodeKind, node: unknown): string {
  if (kind === "text" || typeof node === "string") return "v-text";
  if (typeof node === "number") return "v-number";
  if (typeof node === "boolean" || node === null) return "v-word";
  return isContainer(kind) && isTagged(kind) ? "v-count" : "v-json";
}

function RowPeople({ people }: { people: readonly Person[] }): JSX.Element {
  return (
    <span class="row-people">
      {people.slice(0, 3).map((person) => (
        <span
          key={person.client}
          class="dot-person"
          title={`${person.name} is here`}
          style={{ "--person": person.color, "--person-ink": inkOn(person.color) }}
        >
          {initialsOf(person.name)}
        </span>
      ))}
    </span>
  );
}

function RowActions({ app, session, row }: Omit<RowProps, "index" | "people">): JSX.Element | null {
  followDocument(session);
  if (session.readOnly.value || row.depth === 0) return null;
  const abilities = abilitiesAt(session.doc, row.path);
  if (!abilities.setValue && !abilities.remove) return null;
  // Rows are reached with the arrow keys; Enter and Delete do what these buttons do.
  return (
    <span class="row-actions" aria-hidden="true">
      {abilities.setValue && (
        <button
          type="button"
          tabIndex={-1}
          class="icon-button small"
          title="Edit (Enter)"
          onClick={() => openRow(app, session, row)}
        >
          <Pencil />
        </button>
      )}
      <button
        type="button"
        tabIndex={-1}
        class="icon-button small"
        title="Delete (Del)"
        onClick={() => removeWithToast(app, session, row.path)}
      >
        <Bin />
      </button>
    </span>
  );
}

interface InlineProps {
  app: AppState;
  session: RoomSession;
  row: TreeRow;
  value: unknown;
}

/** The value of a row as a field of JSON: Enter takes it over, Escape leaves it as it was. */
function InlineEditor({ app, session, row, value }: InlineProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const before = useRef(JSON.stringify(value) ?? "");
  const error = useSignal<string | null>(null);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const finish = (): void => {
    app.editing.value = null;
    document.getElementById("tree")?.focus({ preventScroll: true });
  };
  const commit = (text: string): boolean => {
    if (text === before.current) return true;
    const check = parseJson(text);
    if (!check.ok) {
      error.value = check.reason;
      return false;
    }
    if (!setValue(session.doc, row.path, check.value)) app.toast("The entry is gone meanwhile.");
    return true;
  };
  const now = JSON.stringify(value) ?? "";
  const changed = now !== before.current;
  return (
    <span class="inline-editor">
      <input
        ref={input}
        class={error.value === null ? "inline-input" : "inline-input invalid"}
        defaultValue={before.current}
        aria-label={`Value of ${row.label}, as JSON`}
        aria-invalid={error.value !== null}
        aria-describedby="inline-note"
        spellcheck={false}
        data-testid="inline-editor"
        onInput={(event) => {
          const check = parseJson(event.currentTarget.value);
          error.value = check.ok ? null : check.reason;
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") finish();
          else if (event.key === "Enter" && commit(event.currentTarget.value)) finish();
        }}
        onBlur={(event) => {
          if (app.editing.peek() !== row.id) return;
          commit(event.currentTarget.value);
          app.editing.value = null;
        }}
      />
      <span id="inline-note" class="inline-note" role="status">
        {error.value ?? (changed ? `Changed meanwhile to ${previewOf(value, 60)}` : "")}
      </span>
    </span>
  );
}
