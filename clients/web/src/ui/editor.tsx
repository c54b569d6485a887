"use client";
import { toNumber } from "bandpro-score";
import type { Score } from "bandpro-sdk";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Refused } from "../editing/actions.ts";
import type { Desk, Desktop } from "../editing/desk.ts";
import { type Command, commandOf, type Key } from "../editing/keys.ts";
import { described } from "../editing/pitches.ts";
import type { ScoreIndex } from "../editing/score-index.ts";
import { shownOf } from "../editing/selection.ts";
import { asText, entryOf } from "../engraving/entries.ts";
import type { Place } from "../engraving/places.ts";
import type { FirstPictures } from "../session/first-pictures.ts";
import type { Measuring } from "../session/measuring.ts";
import { colorOf, usePeople } from "../session/people.ts";
import { type Store, useStore } from "../session/store.ts";
import { filled, type Language, type Words } from "../words/words.ts";
import { hideForeseen, showForeseen } from "./entered.ts";
import { LyricInput } from "./lyric-input.tsx";
import { Palette } from "./palette.tsx";
import { Panels } from "./panels.tsx";
import { type Marks, Sheet } from "./sheet.tsx";
import { StatusBar } from "./status-bar.tsx";
import { Title } from "./title.tsx";
import { useAfterPaint } from "./use-after-paint.ts";
import { type Comparison, useComparison } from "./use-comparison.ts";
import { useDesk } from "./use-desk.ts";
import { useFollowing } from "./use-following.ts";
import { useLostKeys } from "./use-lost-keys.ts";
import { useMeasured } from "./use-measuring.ts";
import { usePlaying } from "./use-playing.ts";
import { useTitle } from "./use-title.ts";
import { useTurning } from "./use-turning.ts";

const NONE: readonly string[] = [];
const TOLD = {
  bars: "notBarred",
  edit: "refused",
  much: "tooMuch",
  staves: "notAllPasted",
  tuplet: "oneVoiceOnly",
} as const satisfies Record<Refused, keyof Words>;

interface Props {
  readonly score: Score;
  readonly isKept: Store<boolean>;
  readonly pictures: FirstPictures | null;
  readonly name: string;
  readonly language: Language;
  readonly words: Words;
  /** What measures the page; null until that is known. */
  readonly measuring: Measuring | null;
}

/** One score, open: the page, the palette, and who else is here. */
export function Editor(props: Props) {
  const desk = useDesk(props.score);
  return desk ? <OpenDesk desk={desk} {...props} /> : null;
}

function OpenDesk(props: Props & { readonly desk: Desk }) {
  const { desk, score, isKept, name, language, words } = props;
  const desktop = useStore(desk.desktop);
  const people = usePeople(score);
  useStore(score.connection);
  const refused = useStore(desk.refused);
  const [isWriting, setWriting] = useState(false);
  const hearing = usePlaying(desk);
  const title = useTitle(score);
  const onDrawn = useMeasured(props.measuring, score);
  const comparison = useComparison(score);
  const waiting = useAfterPaint();
  const surface = useRef<HTMLElement>(null);
  const { index, selected } = desktop;
  const following = useFollowing(people, index, surface);
  useTurning(hearing, index, surface, following.client === null);
  const marks = useMarked(score, desktop, hearing.notes, comparison);
  const page = useShown(desktop, comparison);
  const [first] = selected;
  // Where its note is gone, the field for words does not come back at another by itself.
  if (isWriting && !first) setWriting(false);
  // Told with the connection; without one, as it was: readers have no pen then either.
  const { canEdit } = score;

  // As text: what others write gives the places anew, and would have the same shown to all again.
  const shown = useMemo(() => JSON.stringify(shownOf(selected)), [selected]);
  useEffect(() => {
    const selection: string[] = JSON.parse(shown);
    score.presence.show({ name, color: colorOf(hashOf(name)), selection });
  }, [score, name, shown]);
  useEffect(() => score.presence.show({ following: following.client }), [score, following.client]);

  const run = useCallback(
    (command: Command) => {
      if (command.do === "play") hearing.toggle();
      else if (command.do === "loop") hearing.toggleLoop();
      else if (command.do === "lyrics") setWriting(desk.desktop.get().selected.length > 0);
      else desk.run(command);
    },
    [desk, hearing.toggle, hearing.toggleLoop],
  );
  const press = (event: Key & Pick<KeyboardEvent, "preventDefault">) => {
    const command = comparison.isBefore ? null : commandOf(event);
    if (!command) return;
    event.preventDefault();
    const sheet = surface.current?.querySelector<HTMLElement>(".sheet");
    const note = sheet && canEdit ? desk.foresee(command) : null;
    if (sheet && note && showForeseen(sheet, desk.desktop.get().index, note)) {
      waiting.later(() => {
        run(command);
        hideForeseen(sheet);
      });
    } else {
      run(command);
    }
  };
  const goOn = () => surface.current?.focus({ preventScroll: true });
  const endWriting = (isByKey: boolean) => {
    setWriting(false);
    if (isByKey) goOn();
  };
  useLostKeys(first !== undefined, (event) => {
    goOn();
    press(event);
  });

  return (
    <div className="editor">
      {canEdit ? (
        <Palette
          desk={desk}
          desktop={desktop}
          score={score}
          run={run}
          hearing={hearing}
          words={words}
          isOff={comparison.isBefore}
          onEnd={goOn}
        />
      ) : null}
      <StatusBar
        score={score}
        isKept={isKept}
        people={people}
        following={following}
        words={words}
      />
      <section
        // Keys write notes here, as in a text field that holds music.
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
        tabIndex={0}
        ref={surface}
        className="surface"
        aria-label={filled(words.editor, { part: title || words.untitled })}
        aria-describedby="selection"
        data-testid="surface"
        onKeyDown={press}
        onFocus={() => desk.begin()}
      >
        <Title
          title={title}
          canEdit={canEdit && !comparison.isBefore}
          words={words}
          onChange={(text) => desk.edit({ op: "SetHeader", name: "title", text })}
          onEnd={goOn}
        />
        {comparison.isBefore ? (
          <p className="quiet-line then">
            {filled(words.asItWas, { name: comparison.compared?.version.name || words.automatic })}
          </p>
        ) : null}
        <Sheet
          desk={desk}
          desktop={page}
          people={people}
          marks={marks}
          canEdit={canEdit && !comparison.isBefore}
          pictures={props.pictures}
          words={words}
          onDrawn={onDrawn}
        />
      </section>
      <footer className="selection" id="selection" aria-live="polite" data-testid="selection">
        {refused !== null ? <strong>{words[TOLD[refused]]} </strong> : null}
        {!first && canEdit && !comparison.isBefore ? words.howToBegin : null}
        {first && selected.length === 1 ? wordsFor(first, index, words) : null}
        {selected.length > 1 ? countOf(selected, words) : null}
      </footer>
      <Panels
        score={score}
        desk={desk}
        desktop={desktop}
        comparison={comparison}
        hearing={hearing}
        canEdit={canEdit && !comparison.isBefore}
        language={language}
        words={words}
      />
      <details className="help">
        <summary>{words.help}</summary>
        <p>{words.helpText}</p>
      </details>
      {isWriting ? (
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
  const ordinal = index.voicesOf(place).indexOf(place.voice) + 1;
  const voice = ordinal > 1 ? `${words.voice} ${ordinal}` : "";
  const at = `${words.measure} ${number}, ${words.beat} ${Number(beat.toFixed(2))}: ${what}`;
  return [part, voice, at].filter((each) => each !== "").join(", ");
}

/** How much is selected, for those who do not see it. */
function countOf(places: readonly Place[], words: Words): string {
  const staves = new Set(places.map(({ part, staff }) => `${part}/${staff}`)).size;
  const notes = places
    .filter(({ kind }) => kind === "chord" || kind === "grace")
    .reduce((sum, { events }) => sum + events.length, 0);
  return staves > 1
    ? filled(words.selectedOnStaves, { notes, staves })
    : filled(words.selected, { count: places.length });
}

function hashOf(text: string): number {
  let sum = 0;
  for (const character of text) {
    sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  }
  return sum;
}

/** What is marked on the page. */
function useMarked(
  score: Score,
  { index, selected }: Desktop,
  playing: readonly string[],
  comparison: Comparison,
): Marks {
  const threads = useStore(score.comments.threads);
  const spoken = useMemo(
    () =>
      threads.flatMap(({ element, resolved }) => (element === null || resolved ? [] : [element])),
    [threads],
  );
  const chosen = useMemo(() => {
    const [drawn, others] = [true, false].map((is) =>
      selected.filter((place) => index.isDrawn(place) === is),
    );
    return {
      "is-selected": (drawn ?? []).flatMap((place) => [place.id, ...place.events]),
      "is-caret": (others ?? []).map((place) => place.id),
    };
  }, [index, selected]);
  return useMemo(
    () => ({
      ...{ "is-added": NONE, "is-removed": NONE, "is-changed": NONE },
      ...chosen,
      "has-comment": spoken,
      "is-playing": playing,
      ...comparison.marks,
    }),
    [chosen, spoken, playing, comparison.marks],
  );
}

/** The score as it is, or as it was where that is looked at. */
function useShown(desktop: Desktop, { compared, isBefore }: Comparison): Desktop {
  return useMemo(
    () =>
      compared && isBefore
        ? { ...desktop, writing: compared.before, selected: [], entered: [], isPen: false }
        : desktop,
    [desktop, compared, isBefore],
  );
}
