import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { pathOfId } from "../document/nodes.ts";
import { inkOn } from "../presence/colors.ts";
import { initialsOf, type Person } from "../presence/people.ts";
import { nameOf } from "../score/pitch.ts";
import type { RoomSession } from "../session/room-session.ts";
import type { AppState } from "./app-state.ts";
import { followDocument } from "./follow.ts";
import { Lock, Pencil } from "./icons.tsx";

interface Props {
  app: AppState;
  session: RoomSession;
}

const SHOWN_MAX = 24;

/** Who is in the room, and where each of them is. */
export function PeopleCard({ app, session }: Props): JSX.Element {
  const people = session.people.value;
  const more = people.length - SHOWN_MAX;
  return (
    <section class="card people-card" aria-labelledby="people-title">
      <div class="card-head">
        <h2 id="people-title">Here now</h2>
        <span class="count">{people.length}</span>
      </div>
      <ul class="people" data-testid="people">
        {people.slice(0, SHOWN_MAX).map((person) => (
          <li key={person.client} data-client={person.client} data-self={person.self}>
            <span
              class="avatar"
              aria-hidden="true"
              style={{ "--person": person.color, "--person-ink": inkOn(person.color) }}
            >
              {initialsOf(person.name)}
            </span>
            {person.self ? (
              <OwnName session={session} person={person} />
            ) : (
              <Other app={app} session={session} person={person} />
            )}
          </li>
        ))}
      </ul>
      {more > 0 && <p class="hint">and {more} more</p>}
    </section>
  );
}

function OwnName({ session, person }: { session: RoomSession; person: Person }): JSX.Element {
  const editing = useSignal(false);
  if (session.nameFixed.value) {
    return (
      <span class="person-name" title="The name in your token">
        {person.name} <span class="you">you</span> <Lock />
      </span>
    );
  }
  if (!editing.value) {
    return (
      <button
        type="button"
        class="person-name own"
        title="Change your name"
        data-testid="own-name"
        onClick={() => {
          editing.value = true;
        }}
      >
        {person.name} <span class="you">you</span> <Pencil />
      </button>
    );
  }
  return (
    <input
      class="input own-name-input"
      defaultValue={person.name}
      maxLength={40}
      aria-label="Your name"
      data-testid="own-name-input"
      ref={(element) => element?.focus()}
      onKeyDown={(event) => {
        if (event.key === "Enter") session.rename(event.currentTarget.value);
        if (event.key === "Enter" || event.key === "Escape") editing.value = false;
      }}
      onBlur={(event) => {
        session.rename(event.currentTarget.value);
        editing.value = false;
      }}
    />
  );
}

/** Somebody else; where they are can be gone to. */
function Other({ app, session, person }: Props & { person: Person }): JSX.Element {
  const place = placeOf(session, person);
  if (place === null) return <span class="person-name">{person.name}</span>;
  const follow = (): void => {
    if (person.selectionId !== null && session.score?.note(person.selectionId) !== undefined) {
      app.selectNote(person.selectionId);
    } else if (person.rowId !== null) {
      app.goTo(pathOfId(person.rowId));
    }
  };
  return (
    <span class="person-name">
      {person.name}
      <button
        type="button"
        class="link person-place"
        title={`Go to where ${person.name} is`}
        onClick={follow}
      >
        {place}
      </button>
    </span>
  );
}

function placeOf(session: RoomSession, person: Person): string | null {
  followDocument(session);
  const note = person.selectionId === null ? undefined : session.score?.note(person.selectionId);
  if (note !== undefined) {
    const measure = session.score?.measures.find((candidate) => candidate.id === note.measure);
    const name = note.pitch === null ? "rest" : nameOf(note.pitch);
    return `${name}, measure ${measure?.number ?? note.measure}`;
  }
  return person.rowId === null ? null : pathOfId(person.rowId).join(" / ");
}
