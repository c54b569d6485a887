"use client";
import type { Desk } from "../editing/desk.ts";
import { CHANGES, countsOf, type Difference } from "../session/comparison.ts";
import { filled, type Words } from "../words/words.ts";
import type { Comparison } from "./use-comparison.ts";

interface Props {
  readonly comparison: Comparison;
  readonly desk: Desk;
  readonly words: Words;
}

/** What differs between the score and a version of it, measure by measure. */
export function DifferenceList({ comparison, desk, words }: Props) {
  const { compared, isBefore } = comparison;
  if (!compared) return null;
  const { version, differences } = compared;
  const counts = countsOf(differences);
  return (
    <section className="differences" aria-labelledby="differences" data-testid="differences">
      <h2 id="differences">{filled(words.since, { name: version.name || words.automatic })}</h2>
      <p>
        {CHANGES.map((change) => (
          <span key={change} className={`sign-${change}`}>
            {words[change]} {counts[change]}{" "}
          </span>
        ))}
      </p>
      <div className="choices">
        <button type="button" aria-pressed={!isBefore} onClick={() => comparison.show(false)}>
          {words.now}
        </button>
        <button type="button" aria-pressed={isBefore} onClick={() => comparison.show(true)}>
          {words.before}
        </button>
        <button type="button" onClick={comparison.end}>
          {words.close}
        </button>
      </div>
      <ol>
        {differences.measures.map(({ measure, number, change, changes }) => (
          <li key={measure}>
            <strong>{filled(words.measureNumber, { number })}</strong>{" "}
            {change === null || change === "changed" ? null : words[change]}
            <ul>
              {changes.map((each) => (
                <li key={each.element}>
                  <span className={`sign-${each.change}`}>{words[each.change]}</span>{" "}
                  <ShownText difference={each} desk={desk} words={words} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
      {differences.isCut ? <p>{words.more}</p> : null}
      {differences.measures.length === 0 ? <p>{words.same}</p> : null}
    </section>
  );
}

interface TextProps {
  readonly difference: Difference;
  readonly desk: Desk;
  readonly words: Words;
}

/** What differs, in words; what is there can be gone to. */
function ShownText({ difference, desk, words }: TextProps) {
  const { change, element, old } = difference;
  const now = difference.new;
  const text = localised(old && now && old !== now ? `${old} → ${now}` : now || old, words);
  return change === "removed" ? (
    <span>{text}</span>
  ) : (
    <button type="button" className="plain" onClick={() => desk.select(element)}>
      {text}
    </button>
  );
}

const NAMES: Readonly<Record<string, keyof Words>> = {
  "16th": "sixteenth",
  eighth: "eighth",
  half: "half",
  quarter: "quarter",
  rest: "rest",
  slur: "slur",
  tie: "tie",
  whole: "whole",
};

const NAMED = new RegExp(`\\b(${Object.keys(NAMES).join("|")})\\b`, "g");

/** The server tells of notes in English. */
function localised(text: string, words: Words): string {
  return text.replace(NAMED, (name) => {
    const known = NAMES[name];
    return known ? words[known].toLowerCase() : name;
  });
}
