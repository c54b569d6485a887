import type { JSX } from "preact";
import * as Y from "yjs";
import { abilitiesAt } from "../document/edits.ts";
import { kindName, kindOf, type Path, pathId, resolve } from "../document/nodes.ts";
import { summaryOf } from "../document/tree-rows.ts";
import { hashOfRoom } from "../room/room-name.ts";
import { beatInWords, durationInWords } from "../score/note-words.ts";
import { nameOf } from "../score/pitch.ts";
import type { RoomSession } from "../session/room-session.ts";
import { AddEntry } from "./add-entry.tsx";
import { type AppState, selectedPath } from "./app-state.ts";
import { removeWithToast } from "./edit-actions.ts";
import { followDocument } from "./follow.ts";
import { Bin } from "./icons.tsx";
import { JsonEditor } from "./json-editor.tsx";
import { NewRoot } from "./new-root.tsx";
import { TextEditor } from "./text-editor.tsx";

interface Props {
  app: AppState;
  session: RoomSession;
}

/** The card beside the tree: what is selected, whole, and how to change it. */
export function DetailCard({ app, session }: Props): JSX.Element {
  followDocument(session);
  const path = selectedPath(app);
  const node = path === null ? undefined : resolve(session.doc, path);
  return (
    <section class="card detail-card" aria-labelledby="detail-title" data-testid="detail">
      <div class="card-head">
        <h2 id="detail-title">Selected</h2>
        {path !== null && node !== undefined && <Removal app={app} session={session} path={path} />}
      </div>
      <div class="card-body">
        {path === null ? (
          <Nothing app={app} session={session} />
        ) : node === undefined ? (
          <Gone app={app} path={path} />
        ) : (
          <>
            <Crumbs app={app} path={path} />
            <NoteFacts app={app} session={session} />
            <Editor app={app} session={session} path={path} node={node} />
            <RelatedEntries app={app} session={session} path={path} />
          </>
        )}
      </div>
    </section>
  );
}

function Nothing({ app, session }: Props): JSX.Element {
  followDocument(session);
  return (
    <>
      <p class="hint">
        {session.score === null
          ? "Choose an entry of the tree to see it whole and change it."
          : "Choose an entry of the tree or a note of the score to see it whole and change it."}
      </p>
      <ul class="suggestions">
        {session.score !== null && !session.readOnly.value && (
          <li>
            Click a note above and press <kbd>↑</kbd> or <kbd>↓</kbd>.
          </li>
        )}
        <li>
          Open this room in{" "}
          <a class="link" href={hashOfRoom(session.room)} target="_blank" rel="noreferrer">
            a second tab
          </a>{" "}
          and watch both.
        </li>
        {!session.readOnly.value && <li>Go offline at the top, edit, and come back.</li>}
      </ul>
      {session.loaded.value && !session.readOnly.value && session.doc.share.size > 0 && (
        <details class="more">
          <summary>Add a top-level type</summary>
          <NewRoot app={app} session={session} />
        </details>
      )}
    </>
  );
}

function Gone({ app, path }: { app: AppState; path: Path }): JSX.Element {
  return (
    <>
      <Crumbs app={app} path={path} />
      <p class="hint" role="status">
        This entry is no longer there.
      </p>
    </>
  );
}

function Crumbs({ app, path }: { app: AppState; path: Path }): JSX.Element {
  return (
    <nav class="crumbs" aria-label="Place in the document">
      {path.map((name, index) => {
        const to = path.slice(0, index + 1);
        const last = index === path.length - 1;
        return (
          <span key={pathId(to)} class="crumb">
            {last ? (
              <strong>{name}</strong>
            ) : (
              <button type="button" class="link" onClick={() => app.goTo(to)}>
                {name}
              </button>
            )}
          </span>
        );
      })}
    </nav>
  );
}

function Removal({ app, session, path }: Props & { path: Path }): JSX.Element | null {
  followDocument(session);
  if (session.readOnly.value || !abilitiesAt(session.doc, path).remove) return null;
  return (
    <button
      type="button"
      class="icon-button"
      title="Delete the entry"
      aria-label={`Delete the entry ${path.join(" / ")}`}
      data-testid="delete-entry"
      onClick={() => removeWithToast(app, session, path)}
    >
      <Bin />
    </button>
  );
}

/** What the selected entry means in music, when it belongs to a note. */
function NoteFacts({ app, session }: Props): JSX.Element | null {
  followDocument(session);
  const id = app.selectedNote.value;
  const note = id === null ? undefined : session.score?.note(id);
  if (note === undefined) return null;
  const part = session.score?.parts.find((candidate) => candidate.id === note.part);
  const measure = session.score?.measures.find((candidate) => candidate.id === note.measure);
  return (
    <div class="note-facts">
      <span class="note-name">{note.pitch === null ? "Rest" : nameOf(note.pitch)}</span>
      <span>
        {part?.name ?? note.part}, measure {measure?.number ?? note.measure},{" "}
        {beatInWords(note.onset)}, {durationInWords(note.duration)}
      </span>
    </div>
  );
}

function Editor({ app, session, path, node }: Props & { path: Path; node: unknown }): JSX.Element {
  followDocument(session);
  const kind = kindOf(node);
  const abilities = abilitiesAt(session.doc, path);
  const readOnly = session.readOnly.value;
  if (node instanceof Y.Text && !(node instanceof Y.XmlText)) {
    return <TextEditor key={pathId(path)} session={session} text={node} path={path} />;
  }
  if (abilities.setValue) {
    return <JsonEditor key={pathId(path)} app={app} session={session} path={path} value={node} />;
  }
  const owner = ownerOf(session.doc, path);
  return (
    <>
      <p class="kind-line">
        <span class="tag">{kindName(kind, node)}</span> {summaryOf(node, kind)}
      </p>
      {kind === "xml" || node instanceof Y.XmlText ? <pre class="raw">{String(node)}</pre> : null}
      {owner !== null && (
        <p class="hint">
          Part of a JSON value, which is replaced whole.{" "}
          <button type="button" class="link" onClick={() => app.goTo(owner)}>
            Edit {owner.join(" / ")}
          </button>
        </p>
      )}
      {abilities.addEntry !== null && !readOnly && (
        <AddEntry
          key={pathId(path)}
          app={app}
          session={session}
          path={path}
          kind={abilities.addEntry}
        />
      )}
    </>
  );
}

/** The entry of a shared type that a place inside a JSON value belongs to. */
function ownerOf(doc: Y.Doc, path: Path): Path | null {
  for (let length = path.length - 1; length >= 2; length--) {
    const candidate = path.slice(0, length);
    if (abilitiesAt(doc, candidate).setValue) return candidate;
  }
  return null;
}

/** Links to the same element's entries in the other facets of a score. */
function RelatedEntries({ app, session, path }: Props & { path: Path }): JSX.Element | null {
  followDocument(session);
  const id = app.selectedNote.value;
  if (id === null || path.length !== 2) return null;
  const candidates: Path[] = [
    ["pt", id],
    ["ev", id],
    ["nx", id],
    ["ly", `${id}|1`],
  ];
  const others = candidates.filter(
    (candidate) =>
      pathId(candidate) !== pathId(path) && resolve(session.doc, candidate) !== undefined,
  );
  if (others.length === 0) return null;
  return (
    <div class="related-entries">
      <span class="hint">The same note in</span>
      {others.map((other) => (
        <button key={pathId(other)} type="button" class="chip" onClick={() => app.goTo(other, id)}>
          {other.join(" / ")}
        </button>
      ))}
    </div>
  );
}
