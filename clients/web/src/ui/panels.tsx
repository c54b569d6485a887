"use client";
import type { Score } from "bandpro-sdk";
import { type ReactNode, useState } from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import type { Language, Words } from "../words/words.ts";
import { CommentsPanel } from "./comments-panel.tsx";
import { VersionsPanel } from "./versions-panel.tsx";

interface Props {
  readonly score: Score;
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly language: Language;
  readonly words: Words;
}

/** What is about the score beside its notes; each is asked for when it is opened. */
export function Panels({ score, desk, desktop, language, words }: Props) {
  return (
    <div className="panels">
      <Panel title={words.comments} name="comments">
        <CommentsPanel score={score} desk={desk} desktop={desktop} words={words} />
      </Panel>
      <Panel title={words.versions} name="versions">
        <VersionsPanel score={score} language={language} words={words} />
      </Panel>
    </div>
  );
}

interface PanelProps {
  readonly title: string;
  readonly name: string;
  readonly children: ReactNode;
}

function Panel({ title, name, children }: PanelProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details data-testid={`open-${name}`} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {isOpen ? children : null}
    </details>
  );
}
