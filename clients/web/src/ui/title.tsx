"use client";
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { TITLE_CHARS_MAX } from "../session/scores.ts";
import { filled, type Words } from "../words/words.ts";

interface Props {
  /** As it is now, whoever wrote it; empty for none. */
  readonly title: string;
  readonly canEdit: boolean;
  readonly words: Words;
  readonly onChange: (title: string) => void;
  /** Told when keys are the score's again. */
  readonly onEnd: () => void;
}

/** The title over a score; those who may edit write another one in its place. */
export function Title({ title, canEdit, words, onChange, onEnd }: Props) {
  const [isOpen, setOpen] = useState(false);
  const end = (text: string | null, isByKey: boolean) => {
    setOpen(false);
    if (text !== null) onChange(text);
    if (isByKey) onEnd();
  };
  // Where the field goes with the right to write, it does not come back by itself.
  if (isOpen && !canEdit) setOpen(false);
  const shown = title || words.untitled;
  if (isOpen) {
    return (
      <>
        <h1 className="visually-hidden">{shown}</h1>
        <div className="title">
          <TitleInput title={title} words={words} onEnd={end} />
        </div>
      </>
    );
  }
  return (
    <h1 className="title">
      {canEdit ? (
        <button
          type="button"
          title={words.changeTitle}
          data-testid="title"
          onClick={() => setOpen(true)}
          // What is typed here is no music; undo is.
          onKeyDown={(event) => event.ctrlKey || event.metaKey || event.stopPropagation()}
        >
          {shown}
        </button>
      ) : (
        shown
      )}
    </h1>
  );
}

/** What a field is for. */
export interface Field {
  readonly label: string;
  readonly charsMax: number;
  /** Said where that is reached. */
  readonly limit: string;
  /** Its handle for tests. */
  readonly name: string;
}

interface InputProps {
  readonly title: string;
  readonly words: Words;
  /** Without one it is for a title. */
  readonly field?: Field;
  /** Told once: another title, or null where it stays; and whether a key said so. */
  readonly onEnd: (text: string | null, isByKey: boolean) => void;
}

function titleField(words: Words): Field {
  const limit = filled(words.titleLimit, { count: TITLE_CHARS_MAX });
  return { label: words.name, charsMax: TITLE_CHARS_MAX, limit, name: "title-field" };
}

/** A field for a title, or the like: Enter and going elsewhere keep it, Escape takes it back. */
export function TitleInput({ title, words, field: kind, onEnd }: InputProps) {
  const { label, charsMax, limit, name } = kind ?? titleField(words);
  // What others write meanwhile stays, unless something is written here.
  const [former] = useState(title);
  const [text, setText] = useState(title);
  const isOver = useRef(false);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    // To select gives the focus in some browsers only.
    field.current?.focus();
    field.current?.select();
  }, []);

  const end = (isKept: boolean, isByKey: boolean) => {
    if (isOver.current) return;
    isOver.current = true;
    const next = text.trim();
    onEnd(isKept && next !== former ? next : null, isByKey);
  };
  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    // The key belongs to the choice of a character.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      end(event.key === "Enter", true);
    }
  };
  return (
    <>
      <input
        ref={field}
        className="title-field"
        value={text}
        maxLength={charsMax}
        placeholder={kind ? label : words.untitled}
        aria-label={label}
        enterKeyHint="done"
        autoComplete="off"
        data-testid={name}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={press}
        // Another window takes the focus for a while: the title is not finished.
        onBlur={() => document.hasFocus() && end(true, false)}
      />
      <p className="quiet-line" role="status">
        {text.length < charsMax ? null : limit}
      </p>
    </>
  );
}
