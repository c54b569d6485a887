"use client";
import { ApiError, IMPORT_FORMATS, type Library, ScoreError } from "bandpro-sdk";
import { type DragEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { failure, filled, type Words } from "../words/words.ts";

const UNAUTHENTICATED = 401;
const ENDINGS = [...IMPORT_FORMATS.keys()].map((ending) => `.${ending}`).join(",");

interface Props {
  readonly library: Library;
  readonly words: Words;
  /** Gives a room that nobody has. */
  readonly roomFor: (title: string) => string;
  readonly onMade: (room: string) => void;
  /** The server asks who one is. */
  readonly onStranger: () => void;
  /** What stands over the place for files, and under it. */
  readonly above: ReactNode;
  readonly children: ReactNode;
}

/** Makes a score of a file that is dropped anywhere on what is inside, or chosen. */
export function FileDrop(props: Props) {
  const { library, words, roomFor, onMade, onStranger } = props;
  const [told, setTold] = useState("");
  const [isOver, setOver] = useState(false);
  const wanted = useRef(new AbortController());
  useEffect(() => {
    wanted.current = new AbortController();
    return () => wanted.current.abort();
  }, []);

  const take = async (file: File | undefined) => {
    if (!file) return;
    const { signal } = wanted.current;
    const { name } = file;
    const [, title = name, ending = ""] = /^(.*)\.(\w+)$/.exec(name) ?? [];
    const format = IMPORT_FORMATS.get(ending.toLowerCase());
    if (!format) {
      setTold(filled(words.importUnknown, { name }));
      return;
    }
    setTold(words.importing);
    const room = roomFor(title);
    try {
      await library.importFile(room, file, format, { signal });
      await entitle(library, room, title);
      if (!signal.aborted) onMade(room);
    } catch (error) {
      if (signal.aborted) return;
      setTold(toldOf(error, name, words));
      if (error instanceof ApiError && error.status === UNAUTHENTICATED) onStranger();
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be chosen with the field too
    <div
      className="library"
      data-testid="drop"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) {
          setOver(false);
        }
      }}
      onDrop={drop}
    >
      {props.above}
      <div className={isOver ? "drop is-over" : "drop"}>
        <span>{words.drop}</span>
        <label className="file">
          {words.chooseFile}
          <input
            type="file"
            className="visually-hidden"
            accept={ENDINGS}
            data-testid="import"
            onChange={({ currentTarget }) => {
              void take(currentTarget.files?.[0]);
              // The same file, mended, can be chosen again.
              currentTarget.value = "";
            }}
          />
        </label>
        <p role="status" data-testid="import-state">
          {told}
        </p>
      </div>
      {props.children}
    </div>
  );
}

/** Calls a score as its file is called, where the file says no title. */
async function entitle(library: Library, room: string, title: string): Promise<void> {
  try {
    const { title: own } = await library.find(room);
    if (own.trim() === "") await library.change(room, { title });
  } catch {
    // The score is there all the same, and can be called something later.
  }
}

/** Says what to do where it is the file that is wrong. */
function toldOf(error: unknown, name: string, words: Words): string {
  const isOfFile =
    (error instanceof ApiError && error.status < 500 && error.status !== UNAUTHENTICATED) ||
    (error instanceof ScoreError && error.code === "job-failed");
  return isOfFile
    ? filled(words.importFailed, { name, reason: error.message })
    : failure(words, error);
}
