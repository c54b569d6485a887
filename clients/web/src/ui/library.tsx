"use client";
import { compareText } from "bandpro-score";
import { ApiError, openLibrary, roomFor, type ScoreFacts, type Template } from "bandpro-sdk";
import {
  type FormEvent,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { flushSync } from "react-dom";
import { allScores, type Left, scoresWith, TITLE_CHARS_MAX } from "../session/scores.ts";
import { tokenGiver } from "../session/token.ts";
import { failure, filled, type Words } from "../words/words.ts";
import { FileDrop } from "./file-drop.tsx";
import { nameOf, ScoreRow } from "./score-row.tsx";
import { SignIn } from "./sign-in.tsx";

const UNAUTHENTICATED = 401;

interface Props {
  /** The score that was just left; null once a list was read after it. */
  readonly left: RefObject<Left | null>;
  readonly words: Words;
  readonly onToken: () => void;
}

/** All scores that one may read; makes new ones, of templates and of files. */
export function Library({ left, words, onToken }: Props) {
  const library = useMemo(() => {
    const token = tokenGiver();
    return openLibrary(location.origin, token ? { token } : {});
  }, []);
  const [scores, setScores] = useState<readonly ScoreFacts[] | null>(null);
  const [templates, setTemplates] = useState<readonly Template[]>([]);
  const [sought, setSought] = useState("");
  const [told, setTold] = useState("");
  const [isArchive, setArchive] = useState(false);
  /** What was just archived, and is taken back with one click. */
  const [archived, setArchived] = useState<ScoreFacts | null>(null);
  const [isStranger, setStranger] = useState(false);
  /** Ends with the last change that was asked for: a list that is read before would not show it. */
  const changes = useRef<Promise<void>>(Promise.resolve());
  const archive = useRef<HTMLInputElement>(null);
  const takeBack = useRef<HTMLButtonElement>(null);

  const fail = useCallback(
    (error: unknown) => {
      if (error instanceof ApiError && error.status === UNAUTHENTICATED) {
        setStranger(true);
      } else {
        setTold(failure(words, error));
      }
    },
    [words],
  );
  useEffect(() => {
    let isCurrent = true;
    setScores(null);
    setTold("");
    const list = async () => {
      await changes.current;
      const all = await allScores(library, left.current, isArchive);
      if (!isCurrent) return;
      left.current = null;
      setScores(all);
    };
    list().catch((error: unknown) => isCurrent && fail(error));
    return () => {
      isCurrent = false;
    };
  }, [library, fail, isArchive, left]);
  useEffect(() => {
    let isCurrent = true;
    library.templates().then((all) => isCurrent && setTemplates(all), fail);
    return () => {
      isCurrent = false;
    };
  }, [library, fail]);

  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const title = String(form.get("title") ?? "").trim() || words.untitled;
    const template = String(form.get("template") ?? "");
    const room = roomFor(title);
    try {
      await library.create(room, { title, ...(template ? { template, measures: 16 } : {}) });
      open(room);
    } catch (error) {
      fail(error);
    }
  };
  // One after the other: nobody renames what is archived meanwhile.
  const change = (room: string, what: { title?: string; isArchived?: boolean }) => {
    changes.current = changes.current.then(() => changed(room, what));
  };
  const changed = async (room: string, what: { title?: string; isArchived?: boolean }) => {
    setTold("");
    try {
      const facts = await library.change(room, what);
      flushSync(() => {
        setArchived(what.isArchived === true ? facts : null);
        setScores((before) => before && withChanged(before, facts, isArchive));
      });
      // The button that was pressed is gone with its score; who works elsewhere by now is left there.
      if (what.isArchived !== undefined && document.activeElement === document.body) {
        (takeBack.current ?? archive.current)?.focus();
      }
    } catch (error) {
      fail(error);
    }
  };
  const found = scoresWith(scores ?? [], sought);
  const shown = isArchive ? null : archived;
  return (
    <FileDrop
      library={library}
      words={words}
      roomFor={roomFor}
      onMade={open}
      onStranger={() => setStranger(true)}
      above={
        <>
          {isStranger ? <SignIn words={words} onToken={onToken} /> : null}
          <h1>{words.allScores}</h1>
          <form className="new-score" onSubmit={create} data-testid="new-score">
            <label>
              <span>{words.name}</span>
              <input name="title" required maxLength={TITLE_CHARS_MAX} />
            </label>
            <label>
              <span>{words.template}</span>
              <select name="template">
                {templates.map(({ template, name }) => (
                  <option key={template} value={template}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit" className="main-button">
              {words.create}
            </button>
          </form>
        </>
      }
    >
      <p role="status">{told}</p>
      <label className="search">
        <span className="visually-hidden">{words.search}</span>
        <input
          type="search"
          placeholder={words.search}
          value={sought}
          onChange={(event) => setSought(event.target.value)}
        />
      </label>
      {scores === null && !isStranger && told === "" ? (
        <p className="quiet">{words.loading}</p>
      ) : null}
      <div className={shown ? "archived" : undefined}>
        <span role="status">
          {shown ? filled(words.archivedNow, { title: nameOf(shown) }) : null}
        </span>
        {shown ? (
          <button
            type="button"
            ref={takeBack}
            onClick={() => change(shown.room, { isArchived: false })}
          >
            {words.takeBack}
          </button>
        ) : null}
      </div>
      {scores?.length === 0 && !isArchive ? <p className="quiet">{words.emptyList}</p> : null}
      <ul className="scores" data-testid="scores">
        {found.map((score) => (
          <ScoreRow
            key={score.room}
            score={score}
            words={words}
            onRename={(title) => change(score.room, { title })}
            onArchive={() => change(score.room, { isArchived: !score.isArchived })}
          />
        ))}
      </ul>
      <label className="archive">
        <input
          type="checkbox"
          ref={archive}
          checked={isArchive}
          data-testid="archive"
          onChange={(event) => {
            setArchived(null);
            setArchive(event.target.checked);
          }}
        />
        {words.archivedScores}
      </label>
    </FileDrop>
  );
}

/** The list after something changed: in order of room, of those in use or of the archived ones. */
function withChanged(
  scores: readonly ScoreFacts[],
  changed: ScoreFacts,
  isArchive: boolean,
): readonly ScoreFacts[] {
  const others = scores.filter(({ room }) => room !== changed.room);
  return changed.isArchived === isArchive
    ? [...others, changed].sort((a, b) => compareText(a.room, b.room))
    : others;
}

function open(room: string): void {
  location.hash = `#/${encodeURIComponent(room)}`;
}
