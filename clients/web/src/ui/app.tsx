"use client";
import type { Score } from "bandpro-sdk";
import { useCallback, useEffect, useRef, useState } from "react";
import { roomIn } from "../session/address.ts";
import type { Measuring } from "../session/measuring.ts";
import { type Opened, openAhead, openKept } from "../session/opening.ts";
import type { Left } from "../session/scores.ts";
import { useStore } from "../session/store.ts";
import { type Language, languageOf, type Words, wordsOf } from "../words/words.ts";
import { Boundary } from "./boundary.tsx";
import { Editor } from "./editor.tsx";
import { Exports } from "./exports.tsx";
import { keep, kept } from "./kept.ts";
import { Library } from "./library.tsx";
import { MeasuringChoice } from "./measuring-choice.tsx";
import { SignIn } from "./sign-in.tsx";
import { useMeasuring } from "./use-measuring.ts";
import { useTitle, useWindowTitle } from "./use-title.ts";

if (typeof location !== "undefined") openAhead(roomIn(location.hash));

/** The list of scores, or one of them: the address says which after its `#/`. */
export function App() {
  const [isReady, setReady] = useState(false);
  const room = useRoom();
  const [language, setLanguage] = useState<Language>("en");
  const [scheme, setScheme] = useState<string | null>(null);
  const [name, setName] = useState("");
  // Counts how often somebody signed in: what is open is opened anew.
  const [turn, setTurn] = useState(0);
  /** Of the score that is open. */
  const [title, setTitle] = useState("");
  const words = wordsOf(language);
  const { isOn, measuring, allow } = useMeasuring(turn);
  const left = useRef<Left | null>(null);
  const told = useCallback(
    (now: string | null) => {
      setTitle(now ?? "");
      if (now !== null) left.current = { room, title: now };
    },
    [room],
  );
  useWindowTitle(room === "" ? "" : title || room);

  useEffect(() => {
    setLanguage(languageOf(kept("language"), navigator.languages));
    setScheme(kept("scheme"));
    setName(kept("name") ?? "");
    setReady(true);
  }, []);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    if (scheme) document.documentElement.dataset["scheme"] = scheme;
  }, [scheme]);

  const signedIn = () => setTurn((before) => before + 1);
  const changeLanguage = () => {
    const next = language === "en" ? "zh-Hant" : "en";
    keep("language", next);
    setLanguage(next);
  };
  const changeScheme = () => {
    const isDark =
      scheme === null ? matchMedia("(prefers-color-scheme: dark)").matches : scheme === "dark";
    const next = isDark ? "light" : "dark";
    keep("scheme", next);
    setScheme(next);
  };
  return (
    <>
      <header className="top">
        <a className="home" href="#/">
          <Mark /> <span>BandPro</span>
        </a>
        {room === "" ? null : (
          <span className="opened" data-testid="opened">
            {title === "" ? null : <strong>{title}</strong>} <span className="room">{room}</span>
          </span>
        )}
        <span className="spring" />
        <label className="own-name">
          <span className="visually-hidden">{words.guest}</span>
          <input
            value={name}
            placeholder={words.guest}
            maxLength={40}
            data-testid="own-name"
            onChange={(event) => {
              keep("name", event.target.value);
              setName(event.target.value);
            }}
          />
        </label>
        <button type="button" onClick={changeLanguage} lang={language === "en" ? "zh-Hant" : "en"}>
          {words.language}
        </button>
        <button type="button" onClick={changeScheme} aria-label={words.dark} title={words.dark}>
          ◐
        </button>
        <MeasuringChoice isOn={isOn} onChange={allow} words={words} />
      </header>
      <main>
        {!isReady ? (
          <p className="quiet">{words.loading}</p>
        ) : room === "" ? (
          <Boundary words={words} told={words.failedToList}>
            <Library key={turn} left={left} words={words} onToken={signedIn} />
          </Boundary>
        ) : (
          <Room
            key={`${turn} ${room}`}
            room={room}
            name={name}
            language={language}
            words={words}
            measuring={measuring}
            onTitle={told}
            onToken={signedIn}
          />
        )}
      </main>
    </>
  );
}

function useRoom(): string {
  const [room, setRoom] = useState("");
  useEffect(() => {
    const read = () => setRoom(roomIn(location.hash));
    read();
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return room;
}

interface RoomProps {
  readonly room: string;
  readonly name: string;
  readonly language: Language;
  readonly words: Words;
  readonly measuring: Measuring | null;
  /** Told null as long as nothing of the score is known, and when it is left. */
  readonly onTitle: (title: string | null) => void;
  readonly onToken: () => void;
}

function Room({ room, name, language, words, measuring, onTitle, onToken }: RoomProps) {
  const [opened, setOpened] = useState<Opened | null>(null);
  useEffect(() => {
    const made = openKept(room);
    setOpened(made);
    return made.close;
  }, [room]);
  return opened ? (
    <>
      <Boundary words={words} told={words.failedToShow}>
        <Door score={opened.score} words={words} onToken={onToken} />
        <Nameplate score={opened.score} onTitle={onTitle} />
      </Boundary>
      <Boundary words={words} told={words.failedToShow}>
        <Editor {...opened} name={name} language={language} words={words} measuring={measuring} />
      </Boundary>
      <Boundary words={words} told={words.failedToShow}>
        <Exports score={opened.score} words={words} />
      </Boundary>
    </>
  ) : (
    <p className="quiet">{words.loading}</p>
  );
}

/** Tells the title of a score, as it changes, to what is around it. */
function Nameplate({ score, onTitle }: Pick<RoomProps, "onTitle"> & { score: Score }) {
  const title = useTitle(score);
  const isKnown = useStore(score.connection).state === "synced" || title !== "";
  useEffect(() => {
    onTitle(isKnown ? title : null);
    return () => onTitle(null);
  }, [title, isKnown, onTitle]);
  return null;
}

/** Where the server asks who one is. */
function Door({ score, words, onToken }: Pick<RoomProps, "words" | "onToken"> & { score: Score }) {
  const connection = useStore(score.connection);
  return connection.state === "denied" && connection.remedy === "sign-in" ? (
    <SignIn words={words} onToken={onToken} />
  ) : null;
}

function Mark() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <rect width="24" height="24" rx="6" fill="currentColor" opacity="0.14" />
      <ellipse cx="9" cy="17" rx="3.4" ry="2.5" transform="rotate(-20 9 17)" fill="currentColor" />
      <path
        d="M12.2 16V5.5c1 3 4.6 2.8 3.8 7"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
      />
    </svg>
  );
}
