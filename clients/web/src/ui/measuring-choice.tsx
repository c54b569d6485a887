"use client";
import type { Words } from "../words/words.ts";

interface Props {
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
  readonly words: Words;
}

/** Asks whether the page may report how it does; it says what is sent. */
export function MeasuringChoice({ isOn, onChange, words }: Props) {
  return (
    <details className="choice-of-measuring" data-testid="open-measuring">
      <summary aria-label={words.measuring} title={words.measuring}>
        <Watch />
      </summary>
      <div className="asked">
        <label>
          <input
            type="checkbox"
            checked={isOn}
            aria-describedby="what-is-measured"
            data-testid="measuring"
            onChange={(event) => onChange(event.target.checked)}
          />{" "}
          {words.measuringAllow}
        </label>
        <p id="what-is-measured">{words.measuringTold}</p>
      </div>
    </details>
  );
}

function Watch() {
  return (
    <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
      <circle cx="12" cy="13.5" r="7.5" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M12 13.5V9M9.5 2.5h5" fill="none" stroke="currentColor" strokeWidth="2" />
    </svg>
  );
}
