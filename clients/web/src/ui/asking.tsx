"use client";
import { type FormEvent, type ReactNode, useId, useLayoutEffect, useRef } from "react";
import type { Words } from "../words/words.ts";

interface Props {
  readonly title: string;
  readonly words: Words;
  readonly onKeep: (fields: FormData) => void;
  /** Where there is something to take away. */
  readonly onRemove: (() => void) | null;
  /** Told once, whatever was chosen. */
  readonly onEnd: () => void;
  readonly children: ReactNode;
}

/** Asks for something over the page: Enter keeps it, Escape and a click beside it do not. */
export function Asking({ title, words, onKeep, onRemove, onEnd, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  const keep = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onKeep(new FormData(event.currentTarget));
    close();
  };
  return (
    <dialog
      ref={dialog}
      className="asking"
      aria-labelledby={heading}
      data-testid="asking"
      onClose={onEnd}
      // What is typed here is no music.
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => event.target === event.currentTarget && close()}
    >
      <form onSubmit={keep}>
        <h2 id={heading}>{title}</h2>
        <div className="fields">{children}</div>
        <div className="choices">
          <button type="submit" className="main-button">
            {words.apply}
          </button>
          {onRemove ? (
            <button
              type="button"
              onClick={() => {
                onRemove();
                close();
              }}
            >
              {words.remove}
            </button>
          ) : null}
          <button type="button" onClick={close}>
            {words.cancel}
          </button>
        </div>
      </form>
    </dialog>
  );
}
