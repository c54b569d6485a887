"use client";
import { toNumber } from "bandpro-score";
import type { Score } from "bandpro-sdk";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Desk, described } from "../editing/desk.ts";
import { type Command, commandOf } from "../editing/keys.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { asText, entryOf, valueIn } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import { Player } from "../playback/player.ts";
import { colorOf, usePeople } from "../session/people.ts";
import { useStore } from "../session/store.ts";
import { filled, type Language, type Words } from "../words/words.ts";
import { LyricInput } from "./lyric-input.tsx";
import { Palette } from "./palette.tsx";
import { Panels } from "./panels.tsx";
import { Sheet } from "./sheet.tsx";
import { StatusBar } from "./status-bar.tsx";

interface Props {
  readonly score: Score;
  readonly name: string;
  readonly language: Language;
  readonly words: Words;
}

/** One score, open: the page, the palette, and who else is here. */
export function Editor({ score, name, language, words }: Props) {
  const desk = useDesk(score);
  return desk ? (
    <OpenDesk desk={desk} score={score} name={name} language={language} words={words} />
  ) : null;
}

function useDesk(score: Score): Desk | null {
  const [desk, setDesk] = useState<Desk | null>(null);
  useEffect(() => {
    const made = new Desk(score);
    setDesk(made);
    return () => made.end();
  }, [score]);
  return desk;
}

function OpenDesk({ desk, score, name, language, words }: Props & { readonly desk: Desk }) {
  const desktop = useStore(desk.desktop);
  const people = usePeople(score);
  const connection = useStore(score.connection);
  const refused = useStore(desk.refused);
  const threads = useStore(score.comments.threads);
  const spoken = useMemo(
    () =>
      threads.flatMap(({ element, resolved }) => (element === null || resolved ? [] : [element])),
    [threads],
  );
  const [isWriting, setWriting] = useState(false);
  const { playing, toggle } = usePlaying(desk);
  const surface = useRef<HTMLElement>(null);
  const { index, selected } = desktop;
  const [first] = selected;
  const canEdit = connection.state !== "synced" || connection.canEdit;

  // As text: what others write gives the places anew, and would have the same shown to all again.
  const shown = JSON.stringify(selected.map((place) => place.events[0] ?? place.id));
  useEffect(() => {
    const selection: string[] = JSON.parse(shown);
    score.presence.show({ name, color: colorOf(hashOf(name)), selection });
  }, [score, name, shown]);

  const run = useCallback(
    (command: Command) => {
      if (command.do === "play") toggle();
      else if (command.do === "lyrics") setWriting(true);
      else desk.run(command);
    },
    [desk, toggle],
  );
  const press = (event: KeyboardEvent) => {
    const command = commandOf(event);
    if (command) {
      event.preventDefault();
      run(command);
    }
  };
  const endWriting = () => {
    setWriting(false);
    surface.current?.focus();
  };

  return (
    <div className="editor">
      {canEdit ? (
        <Palette desk={desk} desktop={desktop} score={score} run={run} words={words} />
      ) : null}
      <StatusBar score={score} people={people} words={words} />
      <section
        // Keys write notes here, as in a text field that holds music.
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        tabIndex={0}
        ref={surface}
        className="surface"
        aria-label={filled(words.editor, { part: titleOf(score) || words.untitled })}
        aria-describedby="selection"
        data-testid="surface"
        onKeyDown={press}
        onFocus={() => desk.begin()}
      >
        <h1 className="title">{titleOf(score) || words.untitled}</h1>
        <Sheet
          desk={desk}
          desktop={desktop}
          people={people}
          playing={playing}
          spoken={spoken}
          words={words}
        />
      </section>
      <footer className="selection" id="selection" aria-live="polite" data-testid="selection">
        {refused !== null ? <strong>{words.refused} </strong> : null}
        {selected.length > 1 ? filled(words.selected, { count: selected.length }) : null}
        {first && selected.length === 1 ? wordsFor(first, index, words) : null}
      </footer>
      <Panels score={score} desk={desk} desktop={desktop} language={language} words={words} />
      <details className="help">
        <summary>{words.help}</summary>
        <p>{words.helpText}</p>
      </details>
      {isWriting && first ? (
        <LyricInput desk={desk} desktop={desktop} words={words} onEnd={endWriting} />
      ) : null}
    </div>
  );
}

function wordsFor(place: Place, index: ScoreIndex, words: Words): string {
  const part = asText(entryOf(index.facets, "parts", place.part)["name"]);
  const number = asText(entryOf(index.facets, "measures", place.measure)["number"]);
  const beat = toNumber(place.onset) + 1;
  const what = place.kind === "gap" ? words.gap : described(index, place) || words.rest;
  return `${part}, ${words.measure} ${number}, ${words.beat} ${Number(beat.toFixed(2))}: ${what}`;
}

function titleOf(score: Score): string {
  return asText(valueIn(score.facets, "meta", "title"));
}

function hashOf(text: string): number {
  let sum = 0;
  for (const character of text) {
    sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  }
  return sum;
}

function usePlaying(desk: Desk): { playing: readonly string[]; toggle: () => void } {
  const [playing, setPlaying] = useState<readonly string[]>([]);
  const player = useRef<Player | null>(null);
  const toggle = useCallback(() => {
    if (player.current) {
      player.current.stop();
      return;
    }
    const { index, selected } = desk.desktop.get();
    player.current = new Player(
      () => desk.desktop.get().index,
      selected[0]?.measure ?? index.view.measures[0]?.id ?? null,
      setPlaying,
      () => {
        player.current = null;
        setPlaying([]);
      },
    );
  }, [desk]);
  useEffect(() => () => player.current?.stop(), []);
  return { playing, toggle };
}
