"use client";
import type { Time } from "bandpro-score";
import { useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { BPM_MAX, BPM_MIN, FIRST_TEMPO, setTempo, tempoAt } from "../editing/tempo.ts";
import type { Place } from "../engraving/places.ts";
import type { Words } from "../words/words.ts";
import { Asking } from "./asking.tsx";
import { NoteIcon } from "./note-icon.tsx";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly words: Words;
  /** Told when keys are the score's again. */
  readonly onEnd: () => void;
}

const UNITS = { "1/2": "eighth", "1/1": "quarter", "3/2": "dottedQuarter", "2/1": "half" } as const;
const KNOWN = [
  "Largo",
  "Adagio",
  "Andante",
  "Moderato",
  "Allegretto",
  "Allegro",
  "Vivace",
  "Presto",
];
const TEXT_CHARS_MAX = 60;

/** The tempo that holds at what is selected, and another one from its measure on. */
export function TempoChoice({ desk, desktop, words, onEnd }: Props) {
  const { index, selected } = desktop;
  // Where it was asked for: what others do meanwhile may take the selection away.
  const [asked, setAsked] = useState<Place | null>(null);
  const place = asked ?? selected[0] ?? index.first;
  if (!place) {
    return null;
  }
  const held = tempoAt(index, place);
  const { unit, bpm, text } = held?.tempo ?? FIRST_TEMPO;
  const unitName = unit.join("/");
  const named = UNITS[unitName as keyof typeof UNITS];
  return (
    <>
      <button
        type="button"
        className="tempo-choice"
        aria-haspopup="dialog"
        title={words.tempoFrom}
        data-testid="tempo"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => setAsked(place)}
      >
        <span className="choice">{words.tempo}</span>
        {held ? (
          <>
            <span className="tempo-text">{text}</span>{" "}
            <UnitIcon unit={unit} name={named && words[named]} /> = {bpm}
          </>
        ) : (
          words.none
        )}
      </button>
      {asked ? (
        <Asking
          title={words.tempoFrom}
          words={words}
          onKeep={(fields) => {
            const [numerator = 1, denominator = 1] = String(fields.get("unit"))
              .split("/")
              .map(Number);
            const tempo = {
              unit: [numerator, denominator] as const,
              bpm: Number(fields.get("bpm")),
              text: String(fields.get("text")).trim(),
            };
            desk.edit(...setTempo(index, place, tempo));
          }}
          onRemove={held?.at ? () => desk.edit(...setTempo(index, place, null)) : null}
          onEnd={() => {
            setAsked(null);
            onEnd();
          }}
        >
          <label>
            {words.tempoUnit}
            <select name="unit" defaultValue={unitName}>
              {unitName in UNITS ? null : <option value={unitName}>{unitName}</option>}
              {Object.entries(UNITS).map(([value, name]) => (
                <option key={value} value={value}>
                  {words[name]}
                </option>
              ))}
            </select>
          </label>
          <label>
            {words.tempoCount}
            <input
              name="bpm"
              type="number"
              inputMode="decimal"
              required
              step="any"
              min={BPM_MIN}
              max={BPM_MAX}
              defaultValue={bpm}
            />
          </label>
          <label>
            {words.tempoText}
            <input
              name="text"
              list="tempi"
              autoComplete="off"
              maxLength={TEXT_CHARS_MAX}
              defaultValue={held?.at ? text : ""}
            />
          </label>
          <datalist id="tempi">
            {KNOWN.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </Asking>
      ) : null}
    </>
  );
}

interface IconProps {
  readonly unit: Time;
  /** For those who do not see it. */
  readonly name: string | undefined;
}

/** A note value with its dot; of one that is not in the list, how many quarters it is. */
function UnitIcon({ unit, name }: IconProps) {
  const quarters = unit[0] / unit[1];
  if (name === undefined) {
    return <>{unit.join("/")}</>;
  }
  const isDotted = Number.isInteger(Math.log2(quarters / 3));
  return (
    <>
      <span className="visually-hidden">{name}</span>
      <NoteIcon quarters={isDotted ? (quarters * 2) / 3 : quarters} />
      {isDotted ? <span aria-hidden="true">.</span> : null}
    </>
  );
}
