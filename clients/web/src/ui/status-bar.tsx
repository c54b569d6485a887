"use client";
import type { Score } from "bandpro-sdk";
import type { Person } from "../session/people.ts";
import { useStore } from "../session/store.ts";
import { filled, type Words } from "../words/words.ts";

interface Props {
  readonly score: Score;
  readonly people: readonly Person[];
  readonly words: Words;
}

/** Whether all is on the server's disk, whether it can be reached, and who else is here. */
export function StatusBar({ score, people, words }: Props) {
  const connection = useStore(score.connection);
  const saved = useStore(score.saved);
  const isOffline = saved.state === "offline" && connection.state === "offline";
  const text =
    connection.state === "connecting"
      ? words.connecting
      : isOffline
        ? filled(words.offlineUnsaved, { count: saved.unsaved })
        : saved.state === "saved"
          ? words.saved
          : words.saving;
  return (
    <>
      {isOffline ? (
        <div className="banner" role="alert">
          <span>{words.offline}</span>
          <button type="button" onClick={() => score.retry()}>
            {words.tryAgain}
          </button>
        </div>
      ) : null}
      {connection.state === "denied" ? (
        <div className="banner" role="alert">
          {filled(words.denied, { reason: connection.reason })}
        </div>
      ) : null}
      {connection.state === "synced" && !connection.canEdit ? (
        <div className="banner">{words.readOnly}</div>
      ) : null}
      <div className="status">
        <span
          className="saved"
          data-testid="saved-state"
          data-state={saved.state}
          data-unsaved={saved.unsaved}
          role="status"
        >
          {text}
        </span>
        <ul className="people" aria-label={words.people} data-testid="people">
          {people.map((person) => (
            <PersonChip key={person.client} person={person} />
          ))}
        </ul>
      </div>
    </>
  );
}

function PersonChip({ person }: { readonly person: Person }) {
  return (
    <li ref={(element) => element?.style.setProperty("--peer", person.color)}>{person.name}</li>
  );
}
