"use client";
import type { ReactNode } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import type { Command } from "../editing/keys.ts";
import { addMeasure } from "../editing/measures.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
}

/** Measures more and fewer. */
export function Measures({ desk, desktop, words }: Props) {
  const { index, selected } = desktop;
  const isNone = selected.length === 0;
  const button = (label: string, content: ReactNode, name: string, command: Command) => (
    <button
      type="button"
      title={label}
      data-testid={name}
      disabled={isNone}
      // The score keeps the focus, so that keys go on writing.
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => desk.run(command)}
    >
      {content}
    </button>
  );
  return (
    <div className="group">
      <button
        type="button"
        title={words.addMeasure}
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => desk.edit(...addMeasure(index))}
      >
        + {words.measure}
      </button>
      {button(words.insertBefore, <InsertIcon label={words.insertBefore} />, "insert-before", {
        do: "insertMeasure",
        side: "before",
      })}
      {button(words.insertAfter, <InsertIcon label={words.insertAfter} isAfter />, "insert-after", {
        do: "insertMeasure",
        side: "behind",
      })}
      {button(words.deleteMeasure, `− ${words.measure}`, "delete-measure", {
        do: "deleteMeasures",
      })}
    </div>
  );
}

function InsertIcon({
  label,
  isAfter = false,
}: {
  readonly label: string;
  readonly isAfter?: boolean;
}) {
  return (
    <svg viewBox="0 0 28 20" width="25" height="18" role="img" aria-label={label}>
      <g
        transform={isAfter ? "matrix(-1 0 0 1 28 0)" : undefined}
        stroke="currentColor"
        fill="none"
      >
        <path d="M14.5 3.5v13M26.5 3.5v13" strokeWidth="1.6" />
        <path d="M14.5 4h12M14.5 8h12M14.5 12h12M14.5 16h12" strokeWidth="1" />
        <path d="M2 10h8M6 6v8" strokeWidth="1.8" />
      </g>
    </svg>
  );
}
