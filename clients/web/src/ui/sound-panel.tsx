"use client";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Words } from "../words/words.ts";
import type { Hearing } from "./use-playing.ts";

interface Props {
  readonly index: ScoreIndex;
  readonly hearing: Hearing;
  readonly words: Words;
}

/** What is heard when the score is played. */
export function SoundPanel({ index, hearing, words }: Props) {
  return (
    <div className="panel sound" data-testid="sound">
      <label className="heard">
        <input type="checkbox" checked={hearing.isLooping} onChange={hearing.toggleLoop} />{" "}
        {words.loop}
      </label>
      <fieldset>
        <legend>{words.heard}</legend>
        {index.view.parts.map((part, at) => (
          <label key={part} className="heard">
            <input
              type="checkbox"
              checked={!hearing.muted.has(part)}
              onChange={() => hearing.toggleMute(part)}
            />{" "}
            {asText(entryOf(index.facets, "parts", part)["name"]) || at + 1}
          </label>
        ))}
      </fieldset>
    </div>
  );
}
