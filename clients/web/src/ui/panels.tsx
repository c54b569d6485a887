"use client";
import type { Score } from "bandpro-sdk";
import { type ReactNode, useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import type { Language, Words } from "../words/words.ts";
import { Boundary } from "./boundary.tsx";
import { CommentsPanel } from "./comments-panel.tsx";
import { PartsPanel } from "./parts-panel.tsx";
import { SoundPanel } from "./sound-panel.tsx";
import type { Comparison } from "./use-comparison.ts";
import type { Hearing } from "./use-playing.ts";
import { VersionsPanel } from "./versions-panel.tsx";

interface Props {
  readonly score: Score;
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly comparison: Comparison;
  readonly hearing: Hearing;
  readonly canEdit: boolean;
  readonly language: Language;
  readonly words: Words;
}

/** What is about the score beside its notes; each is asked for when it is opened. */
export function Panels(props: Props) {
  const { score, desk, desktop, comparison, hearing, canEdit, language, words } = props;
  return (
    <div className="panels">
      <Panel title={words.comments} name="comments" words={words}>
        <CommentsPanel score={score} desk={desk} desktop={desktop} words={words} />
      </Panel>
      <Panel title={words.versions} name="versions" words={words}>
        <VersionsPanel
          score={score}
          desk={desk}
          comparison={comparison}
          language={language}
          words={words}
        />
      </Panel>
      <Panel title={words.parts} name="parts" words={words}>
        <PartsPanel
          desk={desk}
          desktop={desktop}
          canEdit={canEdit}
          language={language}
          words={words}
        />
      </Panel>
      <Panel title={words.sound} name="sound" words={words}>
        <SoundPanel index={desktop.index} hearing={hearing} words={words} />
      </Panel>
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly name: string;
  readonly words: Words;
  readonly children: ReactNode;
}

function Panel({ title, name, words, children }: PanelProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details data-testid={`open-${name}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen ? (
        <Boundary words={words} told={words.failedToShow}>
          {children}
        </Boundary>
      ) : null}
    </details>
  );
}
