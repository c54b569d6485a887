"use client";
import type { ScoreFacts } from "bandpro-sdk";
import { useRef, useState } from "react";
import { filled, type Words } from "../words/words.ts";
import { TitleInput } from "./title.tsx";

interface Props {
  readonly score: ScoreFacts;
  readonly words: Words;
  readonly onRename: (title: string) => void;
  /** To be put out of the list of those in use, or back into it. */
  readonly onArchive: () => void;
}

/** What a score is called: its title, else the last part of its room's name. */
export function nameOf({ room, title }: Pick<ScoreFacts, "room" | "title">): string {
  return title || (room.split("/").at(-1) ?? room);
}

/** One score of the list: opened, given another title, archived and taken back. */
export function ScoreRow({ score, words, onRename, onArchive }: Props) {
  const { room, title, isArchived } = score;
  const [isRenaming, setRenaming] = useState(false);
  const rename = useRef<HTMLButtonElement>(null);
  const named = { title: nameOf(score) };
  const end = (text: string | null, isByKey: boolean) => {
    setRenaming(false);
    if (text !== null) onRename(text);
    if (isByKey) rename.current?.focus();
  };
  return (
    <li>
      {isRenaming ? (
        <div className="renamed">
          <TitleInput title={title} words={words} onEnd={end} />
        </div>
      ) : (
        <a href={`#/${encodeURIComponent(room)}`}>
          <strong>{named.title}</strong>
          <span>{room}</span>
        </a>
      )}
      <div className="deeds">
        {isArchived ? null : (
          <button
            type="button"
            ref={rename}
            aria-label={filled(words.renameScore, named)}
            onClick={() => setRenaming(true)}
          >
            {words.rename}
          </button>
        )}
        <button
          type="button"
          aria-label={filled(isArchived ? words.takeBackScore : words.archiveScore, named)}
          onClick={onArchive}
        >
          {isArchived ? words.takeBack : words.archive}
        </button>
      </div>
    </li>
  );
}
