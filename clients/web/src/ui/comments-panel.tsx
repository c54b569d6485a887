"use client";
import type { Score, Thread } from "bandpro-sdk";
import { type FormEvent, useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { useStore } from "../session/store.ts";
import { failure, type Words } from "../words/words.ts";

interface Props {
  readonly score: Score;
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
}

/** What people say about the score, each thread at what it is about. */
export function CommentsPanel({ score, desk, desktop, words }: Props) {
  const threads = useStore(score.comments.threads);
  const [told, setTold] = useState("");
  const [first] = desktop.selected;
  const [element] = first?.events ?? [];
  const tell = (error: unknown) => setTold(failure(words, error));
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
      <ul>
        {threads
          .filter((thread) => thread.resolved === null)
          .map((thread) => (
            <ThreadItem
              key={thread.id}
              thread={thread}
              score={score}
              desk={desk}
              words={words}
              tell={tell}
            />
          ))}
      </ul>
    </div>
  );
}

/** What everybody is called where the server does not ask who one is. */
const NOBODY = "anonymous";

interface ItemProps {
  readonly thread: Thread;
  readonly score: Score;
  readonly desk: Desk;
  readonly words: Words;
  readonly tell: (error: unknown) => void;
}

function ThreadItem({ thread, score, desk, words, tell }: ItemProps) {
  const { element } = thread;
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
        <label>
          <span className="visually-hidden">{words.reply}</span>
          <input name="text" placeholder={words.reply} required maxLength={4_000} />
        </label>
        <button type="submit">{words.reply}</button>
        {element !== null && thread.anchor === "attached" ? (
          <button type="button" onClick={() => desk.select(element)}>
            {words.showPlace}
          </button>
        ) : null}
        <button type="button" onClick={() => score.comments.resolve(thread.id).catch(tell)}>
          {words.resolve}
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
