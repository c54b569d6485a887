"use client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { targets } from "../editing/actions.ts";
import type { Desk, Desktop } from "../editing/desk.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
  readonly onEnd: () => void;
}

/** Words under notes: a blank goes on to the next note, a hyphen too, within the word. */
export function LyricInput({ desk, desktop, words, onEnd }: Props) {
  const { index } = desktop;
  const [note, setNote] = useState(() => targets(index, desktop.selected)[0]?.events[0] ?? null);
  const [isInside, setInside] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const written = note === null ? "" : asText(entryOf(index.facets, "ly", `${note}|1`)["text"]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is at another note
  useEffect(() => {
    if (field.current) {
      field.current.value = written;
      field.current.focus();
      field.current.select();
    }
    if (note === null) onEnd();
    else desk.select(note);
  }, [note]);

  const keep = (goesOn: boolean) => {
    const text = field.current?.value.trim() ?? "";
    if (note === null || (text === "" && written === "")) return;
    const syllabic = goesOn ? (isInside ? "middle" : "begin") : isInside ? "end" : "single";
    desk.edit({ op: "SetLyric", event: note, text, syllabic });
    setInside(goesOn);
  };
  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    // The key belongs to the choice of a character.
    if (event.nativeEvent.isComposing) return;
    const place = note === null ? null : index.place(note);
    if (event.key === " " || event.key === "-" || event.key === "Tab") {
      event.preventDefault();
      keep(event.key === "-");
      const next = place && index.chordBeside(place, 1);
      setNote(next?.events[0] ?? null);
    } else if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      if (event.key === "Enter") keep(false);
      onEnd();
    }
  };
  return (
    <div className="lyric">
      <label>
        {words.lyric}
        <input ref={field} onKeyDown={press} maxLength={200} data-testid="lyric" />
      </label>
    </div>
  );
}
