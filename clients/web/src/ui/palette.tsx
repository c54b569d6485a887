"use client";
import type { Score } from "bandpro-sdk";
import type { ReactNode } from "react";
import { writtenAs } from "../editing/actions.ts";
import type { Desk, Desktop } from "../editing/desk.ts";
import type { Command } from "../editing/keys.ts";
import { repeatedAt } from "../editing/repeats.ts";
import { useStore } from "../session/store.ts";
import type { Words } from "../words/words.ts";
import { NoteIcon } from "./note-icon.tsx";
import { MarkGroups } from "./palette-marks.tsx";
import { Measures } from "./palette-measures.tsx";
import { Settings } from "./palette-settings.tsx";
import { TempoChoice } from "./tempo-choice.tsx";
import { TextChoices } from "./text-choices.tsx";
import type { Hearing } from "./use-playing.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly score: Score;
  readonly run: (command: Command) => void;
  readonly hearing: Hearing;
  readonly words: Words;
  /** While the score is shown as it was nothing is written. */
  readonly isOff: boolean;
  /** Told when a choice by pointer is over: keys are the score's again. */
  readonly onEnd: () => void;
}

const STEPS = ["C", "D", "E", "F", "G", "A", "B"];
const VALUES = [
  ["sixteenth", 1 / 4],
  ["eighth", 1 / 2],
  ["quarter", 1],
  ["half", 2],
  ["whole", 4],
] as const;

/** What can be done with the selection, as buttons; all of it has a key as well. */
export function Palette({ desk, desktop, score, run, hearing, words, isOff, onEnd }: Props) {
  const steps = useStore(score.history.state);
  const { selected, value, isPen, index, writing } = desktop;
  const repeated = repeatedAt(index, writing.endings, selected);
  const [first] = selected;
  const shown = (first && first.kind !== "gap" && !isPen && writtenAs(first)) || value;
  const button = (label: string, content: ReactNode, command: Command, isOn?: boolean) => (
    <button
      type="button"
      key={label}
      title={label}
      aria-label={label}
      aria-pressed={isOn}
      disabled={
        (command.do === "undo" && !steps.canUndo) || (command.do === "redo" && !steps.canRedo)
      }
      // The score keeps the focus, so that keys go on writing.
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => run(command)}
    >
      <span aria-hidden="true">{content}</span>
    </button>
  );
  return (
    <div className="palette" role="toolbar" aria-label={words.toolbar} inert={isOff}>
      <div className="group">
        {button(words.undo, "↶", { do: "undo" })}
        {button(words.redo, "↷", { do: "redo" })}
        {button(words.play, hearing.isOn ? "■" : "▶", { do: "play" })}
        {button(words.loop, "⟳", { do: "loop" }, hearing.isLooping)}
      </div>
      <div className="group values">
        {button(words.pen, "✎", { do: "pen" }, isPen)}
        {VALUES.map(([name, quarters]) =>
          button(
            words[name],
            <NoteIcon quarters={quarters} />,
            { do: "value", quarters },
            shown.quarters === quarters,
          ),
        )}
        {button(words.dot, "•", { do: "dot" }, shown.dots > 0)}
        {button(words.rest, <RestIcon />, { do: "rest" })}
      </div>
      <div className="group steps">
        {STEPS.map((step) => button(step, step, { do: "step", step, isChord: false }))}
      </div>
      <div className="group">
        {button(words.flat, "♭", { do: "alter", by: -1 })}
        {button(words.natural, "♮", { do: "alter", by: null })}
        {button(words.sharp, "♯", { do: "alter", by: 1 })}
      </div>
      <div className="group">
        {button(words.up, "↑", { do: "move", by: 1 })}
        {button(words.down, "↓", { do: "move", by: -1 })}
        {button(words.tie, <Arc flat />, { do: "tie" })}
        {button(words.slur, <Arc />, { do: "slur" })}
        {button(words.tuplet, words.tuplet, { do: "tuplet" })}
        {button(words.lyrics, words.lyrics, { do: "lyrics" })}
        {button(words.grace, <GraceIcon />, { do: "grace" })}
        {button(words.delete, "⌫", { do: "delete" })}
      </div>
      <div className="group">
        {button(
          words.repeatBegins,
          <RepeatIcon />,
          { do: "repeat", edge: "left" },
          repeated.begins,
        )}
        {button(
          words.repeatEnds,
          <RepeatIcon ends />,
          { do: "repeat", edge: "right" },
          repeated.ends,
        )}
        {[1, 2].map((number) => {
          const label = `${number}.`;
          const name = number === 1 ? words.firstEnding : words.secondEnding;
          const isOn = repeated.ending === label;
          return button(name, <EndingIcon label={label} />, { do: "ending", number }, isOn);
        })}
      </div>
      <MarkGroups desktop={desktop} words={words} button={button} />
      <Settings desk={desk} desktop={desktop} run={run} words={words} onEnd={onEnd} />
      <div className="group">
        <TempoChoice desk={desk} desktop={desktop} words={words} onEnd={onEnd} />
        <TextChoices desk={desk} desktop={desktop} words={words} onEnd={onEnd} />
      </div>
      <Measures desk={desk} desktop={desktop} words={words} />
    </div>
  );
}

function GraceIcon() {
  return (
    <svg viewBox="0 0 16 24" width="14" height="21" aria-hidden="true">
      <ellipse cx="5" cy="18" rx="3.2" ry="2.3" transform="rotate(-20 5 18)" fill="currentColor" />
      <path
        d="M8 17V6c.8 3 3.4 3 3 7M3 14l9-5"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.3"
      />
    </svg>
  );
}

function RestIcon() {
  return (
    <svg viewBox="0 0 16 24" width="14" height="21" aria-hidden="true">
      <path
        d="M6 3l4 5c-3 3-2 4 1 8-4-1-6 1-3 5"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.2"
        strokeLinejoin="round"
      />
    </svg>
  );
}

function RepeatIcon({ ends = false }: { readonly ends?: boolean }) {
  return (
    <svg viewBox="0 0 16 24" width="14" height="21" aria-hidden="true">
      <g fill="currentColor" transform={ends ? "matrix(-1 0 0 1 16 0)" : undefined}>
        <path d="M2 3h3.6v18H2zM7.4 3h1.4v18H7.4z" />
        <circle cx="12.4" cy="9" r="1.7" />
        <circle cx="12.4" cy="15" r="1.7" />
      </g>
    </svg>
  );
}

const FIGURES: Readonly<Record<string, string>> = {
  "1.": "M7.5 9.5l3-2V17",
  "2.": "M7.5 10c0-3.6 5.6-3.4 5.4-.2-.2 2.6-5 4.2-5.4 7.2h5.8",
};

function EndingIcon({ label }: { readonly label: string }) {
  return (
    <svg viewBox="0 0 24 20" width="22" height="18" aria-hidden="true">
      <path d="M2 17V3.5h20" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <path d={FIGURES[label]} fill="none" stroke="currentColor" strokeWidth="1.9" />
      <circle cx="16.4" cy="16.2" r="1.3" fill="currentColor" />
    </svg>
  );
}

function Arc({ flat = false }: { readonly flat?: boolean }) {
  return (
    <svg viewBox="0 0 24 16" width="22" height="15" aria-hidden="true">
      <path
        d={flat ? "M2 5q10 7 20 0" : "M2 12q10-14 20 0"}
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
      />
      {flat ? <path d="M2 11h4M18 11h4" stroke="currentColor" strokeWidth="2.4" /> : null}
    </svg>
  );
}
