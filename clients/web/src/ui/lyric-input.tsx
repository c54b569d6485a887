"use client";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { targets } from "../editing/actions.ts";
import type { Desk, Desktop } from "../editing/desk.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
  /** Told whether a key said so: keys are the score's again then. */
  readonly onEnd: (isByKey: boolean) => void;
}

const HELD_NOTES_MAX = 16;

/** Words under notes: a blank goes on to the next note, a hyphen too, within the word. */
export function LyricInput({ desk, desktop, words, onEnd }: Props) {
  const { index } = desktop;
  const [note, setNote] = useState(() => targets(index, desktop.selected)[0]?.events[0] ?? null);
  const isOver = useRef(false);
  const field = useRef<HTMLInputElement>(null);
  const { text: written, goesOn: isBegun } = syllableOf(index, note);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is at another note
  useEffect(() => {
    if (field.current) {
      field.current.value = written;
      field.current.focus();
      field.current.select();
    }
    if (note === null) onEnd(true);
    else desk.select(note);
  }, [note]);

  const keep = (goesOn: boolean) => {
    const text = field.current?.value.trim() ?? "";
    if (note === null || (text === written && (text === "" || goesOn === isBegun))) return;
    const isInside = isWithinWord(index, note);
    const syllabic = goesOn ? (isInside ? "middle" : "begin") : isInside ? "end" : "single";
    desk.edit({ op: "SetLyric", event: note, text, syllabic });
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
      if (event.key === "Enter") keep(isBegun);
      isOver.current = true;
      onEnd(true);
    }
  };
  // Whoever goes elsewhere meant what they wrote.
  const leave = () => {
    if (isOver.current || !document.hasFocus()) return;
    isOver.current = true;
    keep(isBegun);
    onEnd(false);
  };
  return (
    <div className="lyric">
      <label>
        {words.lyric}
        <input ref={field} onKeyDown={press} onBlur={leave} maxLength={200} data-testid="lyric" />
      </label>
    </div>
  );
}

/** What is under a note, and whether its word goes on after it. */
function syllableOf(index: ScoreIndex, note: string | null): { text: string; goesOn: boolean } {
  const value = note === null ? {} : entryOf(index.facets, "ly", `${note}|1`);
  const syllabic = asText(value["syllabic"]);
  return { text: asText(value["text"]), goesOn: syllabic === "begin" || syllabic === "middle" };
}

/** Whether the syllable before a note, that may be held over others, leads to one under it. */
function isWithinWord(index: ScoreIndex, note: string): boolean {
  const place = index.place(note);
  let before = place && index.chordBeside(place, -1);
  for (let count = 0; before && count < HELD_NOTES_MAX; count += 1) {
    const syllables = before.events.map((id) => syllableOf(index, id));
    const sung = syllables.find(({ text }) => text !== "");
    if (sung) return sung.goesOn;
    before = index.chordBeside(before, -1);
  }
  return false;
}
