import type { ReactNode } from "react";
import { MARKS, type Mark, marksAt } from "../editing/articulations.ts";
import type { Desktop } from "../editing/desk.ts";
import { HAIRPINS, hairpinsAt } from "../editing/hairpins.ts";
import type { Command } from "../editing/keys.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desktop: Pick<Desktop, "index" | "selected">;
  readonly words: Words;
  /** Makes a button of the palette. */
  readonly button: (
    label: string,
    content: ReactNode,
    command: Command,
    isOn?: boolean,
  ) => ReactNode;
}

const NAMES = {
  staccato: "staccato",
  staccatissimo: "staccatissimo",
  tenuto: "tenuto",
  accent: "accent",
  "strong-accent": "strongAccent",
  fermata: "fermata",
} as const;

/** Articulations, fermatas and hairpins, of what is selected. */
export function MarkGroups({ desktop: { index, selected }, words, button }: Props) {
  const marks = marksAt(index, selected);
  const hairpins = hairpinsAt(index, selected);
  return (
    <>
      <div className="group">
        {MARKS.map((mark) => {
          const label = words[NAMES[mark]];
          return button(label, <MarkIcon mark={mark} />, { do: "mark", mark }, marks.has(mark));
        })}
      </div>
      <div className="group">
        {HAIRPINS.map((kind) => {
          const icon = <HairpinIcon falls={kind === "diminuendo"} />;
          return button(words[kind], icon, { do: "hairpin", kind }, hairpins.has(kind));
        })}
      </div>
    </>
  );
}

/** Above the head of a note, as in print; a fermata is held on without one. */
function MarkIcon({ mark }: { readonly mark: Mark }) {
  return (
    <svg viewBox="0 0 16 24" width="14" height="21" aria-hidden="true">
      {mark === "fermata" ? null : (
        <ellipse
          cx="8"
          cy="18"
          rx="4.4"
          ry="3.2"
          transform="rotate(-20 8 18)"
          fill="currentColor"
        />
      )}
      {SIGNS[mark]}
    </svg>
  );
}

const LINE = { fill: "none", stroke: "currentColor", strokeWidth: 1.7 } as const;
const SIGNS: Readonly<Record<Mark, ReactNode>> = {
  staccato: <circle cx="8" cy="8.5" r="1.9" fill="currentColor" />,
  staccatissimo: <path d="M5.7 3h4.6L8 11.5z" fill="currentColor" />,
  tenuto: <path d="M2.5 8.5h11" {...LINE} strokeWidth={2} />,
  accent: <path d="M2.5 4.5l11 3.7-11 3.7" {...LINE} />,
  "strong-accent": <path d="M3.5 12L8 3l4.5 9" {...LINE} />,
  fermata: (
    <>
      <path d="M1.5 15.5a6.5 7.5 0 0 1 13 0" {...LINE} strokeWidth={1.9} />
      <circle cx="8" cy="14" r="1.8" fill="currentColor" />
    </>
  ),
};

function HairpinIcon({ falls }: { readonly falls: boolean }) {
  return (
    <svg viewBox="0 0 24 16" width="22" height="15" aria-hidden="true">
      <path d={falls ? "M2 3l20 5-20 5" : "M22 3L2 8l20 5"} {...LINE} />
    </svg>
  );
}
