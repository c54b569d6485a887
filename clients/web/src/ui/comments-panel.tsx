"use client";
import type { Score, Thread } from "bandpro-sdk";
import { type FormEvent, useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { useStore } from "../session/store.ts";
import { failure, filled, type Words } from "../words/words.ts";

interface Props {
  readonly score: Score;
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
}

/** What people say about the score, each thread at what it is about. */
export function CommentsPanel({ score, desk, desktop, words }: Props) {
  const threads = useStore(score.comments.threads);
  const open = threads.filter((thread) => thread.resolved === null);
  const resolved = threads.filter((thread) => thread.resolved !== null);
  const [told, setTold] = useState("");
  const [first] = desktop.selected;
  const [element] = first?.events ?? [];
  const tell = (error: unknown) => setTold(failure(words, error));
  const around = { score, desk, words, tell };
  const begin = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text") ?? "").trim();
    setTold("");
    score.comments
      .begin(text, element === undefined ? {} : { element })
      .then(() => form.reset(), tell);
  };
  return (
    <div className="panel" data-testid="comments">
      <form onSubmit={begin}>
        <label>
          <span>{element === undefined ? words.commentOnAll : words.commentOnNote}</span>
          <textarea name="text" required maxLength={4_000} rows={2} />
        </label>
        <button type="submit">{words.comment}</button>
      </form>
      <p role="status">{told}</p>
      <Threads threads={open} {...around} />
      {resolved.length > 0 ? (
        <details data-testid="resolved">
          <summary>{filled(words.resolvedThreads, { count: resolved.length })}</summary>
          <Threads threads={resolved} {...around} />
        </details>
      ) : null}
    </div>
  );
}

/** What everybody is called where the server does not ask who one is. */
const NOBODY = "anonymous";

interface Around {
  readonly score: Score;
  readonly desk: Desk;
  readonly words: Words;
  readonly tell: (error: unknown) => void;
}

function Threads({ threads, ...around }: Around & { readonly threads: readonly Thread[] }) {
  return (
    <ul>
      {threads.map((thread) => (
        <ThreadItem key={thread.id} thread={thread} {...around} />
      ))}
    </ul>
  );
}

/** What was said in a thread, and a reply; one that is resolved is opened again before that. */
function ThreadItem({ thread, score, desk, words, tell }: Around & { readonly thread: Thread }) {
  const { element, resolved } = thread;
  const reply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = String(new FormData(form).get("text") ?? "").trim();
    score.comments.reply(thread.id, text).then(() => form.reset(), tell);
  };
  return (
    <li className="thread">
      {thread.messages
        .filter((message) => !message.isDeleted)
        .map((message) => (
          <p key={message.id}>
            <strong>{writerOf(message) || words.someone}</strong> {message.text}
          </p>
        ))}
      {thread.anchor === "detached" ? <p className="quiet-line">{words.detached}</p> : null}
      <form onSubmit={reply}>
        {resolved === null ? (
          <>
            <label>
              <span className="visually-hidden">{words.reply}</span>
              <input name="text" placeholder={words.reply} required maxLength={4_000} />
            </label>
            <button type="submit">{words.reply}</button>
          </>
        ) : (
          <span className="quiet-line">
            {filled(words.resolvedBy, {
              name: writerOf({ name: resolved.name, author: resolved.by }) || words.someone,
            })}
          </span>
        )}
        {element !== null && thread.anchor === "attached" ? (
          <button type="button" onClick={() => desk.select(element)}>
            {words.showPlace}
          </button>
        ) : null}
        <button
          type="button"
          onClick={() => score.comments.resolve(thread.id, resolved === null).catch(tell)}
        >
          {resolved === null ? words.resolve : words.reopen}
        </button>
      </form>
    </li>
  );
}

function writerOf({
  name,
  author,
}: {
  readonly name: string | null;
  readonly author: string;
}): string {
  return name || (author === NOBODY ? "" : author);
}
