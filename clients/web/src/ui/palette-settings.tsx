"use client";
import type { Fields } from "bandpro-score";
import { useRef } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { setText, textAt } from "../editing/directions.ts";
import type { Command } from "../editing/keys.ts";
import { settingAt } from "../editing/pitches.ts";
import { setKey } from "../editing/settings.ts";
import { asNumber, asText, type Entry, entryOf } from "../engraving/entries.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly run: (command: Command) => void;
  readonly words: Words;
  /** Told when a choice by pointer is over: keys are the score's again. */
  readonly onEnd: () => void;
}

const DYNAMICS = ["pp", "p", "mp", "mf", "f", "ff"];
const TIMES = ["2/4", "3/4", "4/4", "2/2", "3/8", "6/8", "9/8", "12/8", "5/4"];
const MAJOR = ["C♭", "G♭", "D♭", "A♭", "E♭", "B♭", "F", "C", "G", "D", "A", "E", "B", "F♯", "C♯"];
const SHARPS_MAX = 7;
const CLEFS: Readonly<Record<string, Fields>> = {
  clefTreble: { sign: "G", line: 2 },
  clefTenor8: { sign: "G", line: 2, octave: -1 },
  clefAlto: { sign: "C", line: 3 },
  clefTenor: { sign: "C", line: 4 },
  clefBass: { sign: "F", line: 4 },
};

/** What holds where the cursor is, and can be chosen there. */
export function Settings({ desk, desktop, run, words, onEnd }: Props) {
  const { selected, index } = desktop;
  // Always there, so that the page does not move when something is selected.
  const first = selected[0] ?? index.first;
  if (!first) {
    return null;
  }
  const key = settingAt(index.view, index.facets, "key", first) ?? {};
  const time = settingAt(index.view, index.facets, "time", first) ?? {};
  const clef = settingAt(index.view, index.facets, "clef", first) ?? {};
  const beats = Array.isArray(time["beats"]) ? time["beats"].join("+") : "";
  const clefName = clefNameOf(clef);
  const dynamic = textAt(index, "dynamics", first);
  return (
    <div className="group">
      <Choice
        label={words.voice}
        onEnd={onEnd}
        value={String(index.voicesOf(first).indexOf(first.voice) + 1)}
        options={index.voicesOf(first).map((_, at) => [String(at + 1), String(at + 1)])}
        onChoose={(chosen) => run({ do: "voice", ordinal: Number(chosen) })}
      />
      <Choice
        label={words.key}
        onEnd={onEnd}
        value={String(asNumber(key["fifths"], 0))}
        options={MAJOR.map((name, at) => [String(at - SHARPS_MAX), name])}
        onChoose={(chosen) => desk.edit(...setKey(index, first, Number(chosen)))}
      />
      <Choice
        label={words.time}
        onEnd={onEnd}
        value={`${beats}/${asNumber(time["unit"], 4)}`}
        options={TIMES.map((name) => [name, name])}
        onChoose={(chosen) => {
          const [count, unit] = chosen.split("/").map(Number);
          desk.setTime({ beats: [count ?? 4], unit: unit ?? 4 });
        }}
      />
      <Choice
        label={words.clef}
        onEnd={onEnd}
        value={clefName}
        options={Object.keys(CLEFS).map((name) => [name, words[name as "clefBass"]])}
        onChoose={(chosen) => {
          const value = CLEFS[chosen];
          const scope = scopeOf(desktop, first.part, first.staff);
          const { measure } = first;
          if (value) desk.edit({ op: "ChangeSetting", kind: "clef", measure, value, scope });
        }}
      />
      <Choice
        label={words.dynamics}
        onEnd={onEnd}
        value={dynamic?.text ?? ""}
        options={[["", words.dynamicsNone], ...DYNAMICS.map((name) => [name, name] as const)]}
        onChoose={(chosen) => {
          const operations = setText(index, "dynamics", first, chosen);
          if (operations.length > 0) desk.edit(...operations);
        }}
      />
    </div>
  );
}

/** The name of a clef among those that can be chosen; its own signs for another one. */
function clefNameOf(clef: Entry): string {
  const sign = asText(clef["sign"]) || "G";
  const found = Object.entries(CLEFS).find(
    ([, fields]) =>
      fields["sign"] === sign &&
      fields["line"] === asNumber(clef["line"], asNumber(fields["line"], 0)) &&
      asNumber(fields["octave"], 0) === asNumber(clef["octave"], 0),
  );
  return found?.[0] ?? `${sign}${asNumber(clef["line"], 0) || ""}`;
}

function scopeOf({ index }: Desktop, part: string, staff: number): string {
  const staves = asNumber(entryOf(index.facets, "parts", part)["staves"], 1);
  return staves > 1 ? `${part}/${staff}` : part;
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, name: string])[];
  readonly onChoose: (value: string) => void;
  readonly onEnd: () => void;
}

function Choice({ label, value, options, onChoose, onEnd }: ChoiceProps) {
  // Whoever walks through the choices with arrows is not done with the first one.
  const isByPointer = useRef(false);
  const isKnown = options.some(([each]) => each === value);
  return (
    <label className="choice">
      <span>{label}</span>
      <select
        value={value}
        onPointerDown={() => {
          isByPointer.current = true;
        }}
        onKeyDown={(event) => {
          isByPointer.current = false;
          if (event.key === "Escape") onEnd();
        }}
        onChange={(event) => {
          onChoose(event.target.value);
          if (isByPointer.current) onEnd();
        }}
      >
        {isKnown ? null : <option value={value}>{value}</option>}
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
