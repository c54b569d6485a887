"use client";
import { useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { nextMark, setText, textAt } from "../editing/directions.ts";
import type { Place } from "../engraving/places.ts";
import type { Words } from "../words/words.ts";
import { Asking } from "./asking.tsx";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
  /** Told when keys are the score's again. */
  readonly onEnd: () => void;
}

type Kind = "words" | "rehearsal";

/** What is asked for, and where: what others do meanwhile may take the selection away. */
interface Asked {
  readonly kind: Kind;
  readonly place: Place;
}

const CHARS_MAX: Readonly<Record<Kind, number>> = { words: 200, rehearsal: 20 };

/** Words over what is selected, and rehearsal marks over its measure. */
export function TextChoices({ desk, desktop, words, onEnd }: Props) {
  const { index, selected } = desktop;
  const [asked, setAsked] = useState<Asked | null>(null);
  const place = selected[0] ?? index.first;
  if (!place) {
    return null;
  }
  const former = asked && textAt(index, asked.kind, asked.place);
  const suggested = asked?.kind === "rehearsal" ? nextMark(index) : "";
  const write = (to: Asked, text: string) => desk.edit(...setText(index, to.kind, to.place, text));
  const labels = { words: words.staffText, rehearsal: words.rehearsal } as const;
  return (
    <>
      {(["words", "rehearsal"] as const).map((each) => (
        <button
          type="button"
          key={each}
          aria-haspopup="dialog"
          title={labels[each]}
          aria-label={each === "words" ? undefined : labels[each]}
          data-testid={`text-${each}`}
          aria-pressed={textAt(index, each, place) !== null}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => setAsked({ kind: each, place })}
        >
          {each === "words" ? words.textField : <MarkIcon />}
        </button>
      ))}
      {asked ? (
        <Asking
          title={labels[asked.kind]}
          words={words}
          onKeep={(fields) => write(asked, String(fields.get("text")).trim())}
          onRemove={former ? () => write(asked, "") : null}
          onEnd={() => {
            setAsked(null);
            onEnd();
          }}
        >
          <label>
            {words.textField}
            <input
              name="text"
              autoComplete="off"
              required
              maxLength={CHARS_MAX[asked.kind]}
              defaultValue={former?.text ?? suggested}
              onFocus={(event) => event.target.select()}
            />
          </label>
        </Asking>
      ) : null}
    </>
  );
}

function MarkIcon() {
  return (
    <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
      <path d="M3 3h14v14H3z" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path
        d="M6.5 14.5L10 5.5l3.5 9M7.8 11.5h4.4"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
      />
    </svg>
  );
}
