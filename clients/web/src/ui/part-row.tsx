"use client";
import { useEffect, useRef, useState } from "react";
import type { PartEntry } from "../editing/parts.ts";
import { filled, type Words } from "../words/words.ts";
import { TitleInput } from "./title.tsx";

interface Props {
  readonly part: PartEntry;
  /** What it is called where it has no name. */
  readonly name: string;
  readonly canEdit: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly words: Words;
  readonly onRename: (name: string, abbreviation: string) => void;
  readonly onMove: (by: 1 | -1) => void;
  /** Null for the only one. */
  readonly onRemove: (() => void) | null;
}

const NAME_CHARS_MAX = 100;
const ABBREVIATION_CHARS_MAX = 30;

/** One part of the list: renamed, moved, and removed after a question. */
export function PartRow(props: Props) {
  const { part, name, canEdit, isFirst, isLast, words, onRename, onMove, onRemove } = props;
  const [isAsked, setAsked] = useState(false);
  const remove = useRef<HTMLButtonElement>(null);
  const keep = () => {
    setAsked(false);
    // Once it is there again.
    setTimeout(() => remove.current?.focus());
  };
  if (isAsked && canEdit && onRemove) {
    return (
      <li className="part">
        <Question name={name} words={words} onYes={onRemove} onNo={keep} />
      </li>
    );
  }
  return (
    <li className="part">
      <span className="part-names">
        <NameField
          value={part.name}
          shown={name}
          label={words.partName}
          charsMax={NAME_CHARS_MAX}
          canEdit={canEdit}
          words={words}
          handle="part-name"
          onChange={(text) => onRename(text, part.abbreviation)}
        />
        <NameField
          value={part.abbreviation}
          shown={part.abbreviation || "–"}
          label={words.abbreviation}
          charsMax={ABBREVIATION_CHARS_MAX}
          canEdit={canEdit}
          words={words}
          handle="part-abbreviation"
          onChange={(text) => onRename(part.name, text)}
        />
      </span>
      {canEdit ? (
        <span className="choices">
          <button
            type="button"
            aria-label={filled(words.movePartUp, { name })}
            title={filled(words.movePartUp, { name })}
            disabled={isFirst}
            onClick={() => onMove(-1)}
          >
            <span aria-hidden="true">↑</span>
          </button>
          <button
            type="button"
            aria-label={filled(words.movePartDown, { name })}
            title={filled(words.movePartDown, { name })}
            disabled={isLast}
            onClick={() => onMove(1)}
          >
            <span aria-hidden="true">↓</span>
          </button>
          <button
            type="button"
            ref={remove}
            aria-label={filled(words.removePart, { name })}
            disabled={onRemove === null}
            onClick={() => setAsked(true)}
          >
            {words.remove}
          </button>
        </span>
      ) : null}
    </li>
  );
}

interface QuestionProps {
  readonly name: string;
  readonly words: Words;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

function Question({ name, words, onYes, onNo }: QuestionProps) {
  const no = useRef<HTMLButtonElement>(null);
  useEffect(() => no.current?.focus(), []);
  const question = filled(words.removePartAsk, { name });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a question and its answers, not fields
    <div
      className="question"
      role="group"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key === "Escape") onNo();
      }}
    >
      <span>{question}</span>
      <span className="choices">
        <button type="button" onClick={onYes}>
          {words.remove}
        </button>
        <button type="button" ref={no} onClick={onNo}>
          {words.cancel}
        </button>
      </span>
    </div>
  );
}

interface NameProps {
  readonly value: string;
  readonly shown: string;
  readonly label: string;
  readonly charsMax: number;
  readonly canEdit: boolean;
  readonly words: Words;
  /** For tests; the field has the same with `-field`. */
  readonly handle: string;
  readonly onChange: (text: string) => void;
}

function NameField({ value, shown, label, charsMax, canEdit, words, handle, onChange }: NameProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  if (isOpen && !canEdit) setOpen(false);
  if (isOpen) {
    const limit = filled(words.textLimit, { count: charsMax });
    return (
      <span className="part-field">
        <TitleInput
          title={value}
          words={words}
          field={{ label, charsMax, limit, name: `${handle}-field` }}
          onEnd={(text, isByKey) => {
            setOpen(false);
            if (text !== null) onChange(text);
            if (isByKey) setTimeout(() => button.current?.focus());
          }}
        />
      </span>
    );
  }
  return canEdit ? (
    <button
      type="button"
      ref={button}
      className={`named ${handle}`}
      aria-label={`${label}: ${shown}`}
      title={label}
      data-testid={handle}
      onClick={() => setOpen(true)}
    >
      {shown}
    </button>
  ) : (
    <span className={handle} data-testid={handle}>
      {shown}
    </span>
  );
}
