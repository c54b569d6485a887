"use client";
import type { Score } from "bandpro-sdk";
import type { Person } from "../session/people.ts";
import { type Store, useStore } from "../session/store.ts";
import { filled, type Words } from "../words/words.ts";
import type { Following } from "./use-following.ts";

interface Props {
  readonly score: Score;
  /** Whether unsaved edits outlive the tab. */
  readonly isKept: Store<boolean>;
  readonly people: readonly Person[];
  readonly following: Following;
  readonly words: Words;
}

/** Whether all is on the server's disk, whether it can be reached, and who else is here. */
export function StatusBar({ score, isKept, people, following, words }: Props) {
  const outlivesTab = useStore(isKept);
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
          <span>{outlivesTab ? words.offlineKept : words.offline}</span>
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
            <PersonChip key={person.client} person={person} following={following} words={words} />
          ))}
        </ul>
      </div>
    </>
  );
}

function PersonChip({
  person,
  following,
  words,
}: Pick<Props, "following" | "words"> & { readonly person: Person }) {
  const isFollowed = following.client === person.client;
  return (
    <li ref={(element) => element?.style.setProperty("--peer", person.color)}>
      <button
        type="button"
        aria-pressed={isFollowed}
        title={filled(words.follow, { name: person.name })}
        onClick={() => following.toggle(person.client)}
      >
        {isFollowed ? "◉ " : null}
        {person.name}
      </button>
    </li>
  );
}
