import type { GiveToken, OfflineStorage, Score, Thread } from "bandpro-sdk";
import {
  useComments,
  useConnection,
  useHistory,
  usePresence,
  useSaved,
  useScore,
  useStore,
} from "bandpro-sdk/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { FlatList, useWindowDimensions, View } from "react-native";
import type { Desk, Desktop } from "../../../web/src/editing/desk.ts";
import type { Command } from "../../../web/src/editing/keys.ts";
import { described } from "../../../web/src/editing/pitches.ts";
import { asText, valueIn } from "../../../web/src/engraving/entries.ts";
import { useDesk } from "../../../web/src/ui/use-desk.ts";
import { filled } from "../../../web/src/words/words.ts";
import { sheetOf } from "../drawing/bars.ts";
import type { System } from "../drawing/shapes.ts";
import { systemsOf } from "../drawing/systems.ts";
import { styles, useLook } from "../look.ts";
import { Button, Line } from "../parts.tsx";
import type { Words } from "../words.ts";
import { Comments } from "./comments.tsx";
import { type Ink, Music } from "./music.tsx";
import { Palette } from "./palette.tsx";

interface Props {
  readonly server: string;
  readonly room: string;
  readonly name: string;
  readonly token: GiveToken | undefined;
  readonly offline: OfflineStorage;
  readonly words: Words;
  readonly onBack: () => void;
}

const SCALE = 0.85;

/** One score: seen, followed, written in and spoken about. */
export function ScoreScreen({ server, room, name, token, offline, words, onBack }: Props) {
  const score = useScore(server, room, { token, offline });
  const desk = useDesk(score);
  return score === null || desk === null ? (
    <View style={styles.form}>
      <Line isQuiet>{words.loading}</Line>
    </View>
  ) : (
    <OpenScore {...{ score, desk, name, words, onBack }} />
  );
}

interface OpenProps extends Pick<Props, "name" | "words" | "onBack"> {
  readonly score: Score;
  readonly desk: Desk;
}

function OpenScore({ score, desk, name, words, onBack }: OpenProps) {
  const desktop: Desktop = useStore(desk.desktop, desk.desktop.get());
  const refused = useStore(desk.refused, null);
  const connection = useConnection(score);
  const { canUndo, canRedo } = useHistory(score);
  const { people } = usePresence(score);
  const threads = useComments(score);
  const [followed, setFollowed] = useState<number | null>(null);
  const [isSpeaking, setSpeaking] = useState(false);
  const { index, selected, value } = desktop;
  const [first] = selected;
  const leader = people.find(({ clientId }) => clientId === followed);
  const theirs = leader?.selection?.[0];

  // As text: what others write gives the places anew, and would have the same shown to all again.
  const shown = JSON.stringify(selected.map((place) => place.events[0] ?? place.id));
  useEffect(() => {
    score.presence.show({ name, selection: JSON.parse(shown), following: followed });
  }, [score, name, shown, followed]);

  const run = (command: Command) => {
    setFollowed(null);
    desk.run(command);
  };
  // The same in each render, so that lines that did not change are not drawn again.
  const select = useCallback(
    (id: string) => {
      setFollowed(null);
      desk.select(id);
    },
    [desk],
  );
  const title = asText(valueIn(index.facets, "meta", "title")) || words.untitled;
  const isWriter = connection.state === "synced" ? connection.canEdit : score.canEdit;
  return (
    <View style={styles.screen}>
      <View style={styles.row}>
        <Button label={words.back} sign="‹" onPress={onBack} />
        <View style={styles.grow}>
          <Line kind="title">{title}</Line>
        </View>
        <Button
          {...{ label: words.comments, sign: "💬", isOn: isSpeaking }}
          onPress={() => setSpeaking(!isSpeaking)}
        />
      </View>
      <Status score={score} words={words} />
      <View style={styles.wrap}>
        {people.map(({ clientId, name: theirName }) => {
          const who = theirName || words.someone;
          const isLeader = clientId === followed;
          const label = isLeader ? filled(words.following, { name: who }) : who;
          const follow = () => setFollowed(isLeader ? null : clientId);
          return <Button key={clientId} {...{ label, isOn: isLeader }} onPress={follow} />;
        })}
      </View>
      {isSpeaking ? (
        <Comments
          {...{ score, threads, words, element: first?.events[0] ?? null }}
          onShow={(element) => {
            setSpeaking(false);
            select(element);
          }}
        />
      ) : (
        <Pages
          {...{ desktop, threads, title, theirs: theirs ?? null }}
          look={theirs ?? first?.id ?? null}
          onTouch={select}
        />
      )}
      {refused === null ? null : <Line isWarning>{words.refused}</Line>}
      {first ? (
        <Line kind="small" isQuiet>
          {`${words.measure} ${index.measureIndex(first.measure) + 1}: ${described(index, first) || words.rest}`}
        </Line>
      ) : null}
      {isWriter && !isSpeaking ? (
        <Palette
          {...{ words, canUndo, canRedo, run }}
          {...{ quarters: value.quarters, isDotted: value.dots > 0 }}
        />
      ) : null}
    </View>
  );
}

/** Whether all is on the server's disk, and why not. */
function Status({ score, words }: { readonly score: Score; readonly words: Words }) {
  const connection = useConnection(score);
  const { state, unsaved } = useSaved(score);
  if (connection.state === "denied") {
    return <Line isWarning>{filled(words.denied, { reason: connection.reason })}</Line>;
  }
  const told =
    connection.state === "connecting"
      ? words.connecting
      : connection.state === "offline"
        ? filled(words.offlineUnsaved, { count: unsaved })
        : state === "saved"
          ? words.saved
          : words.saving;
  return (
    <View style={styles.row}>
      <Line kind="small" isQuiet>
        {told}
      </Line>
      {connection.state === "offline" ? (
        <Button label={words.tryAgain} onPress={() => score.retry()} />
      ) : null}
    </View>
  );
}

interface PagesProps {
  readonly desktop: Desktop;
  readonly threads: readonly Thread[];
  readonly title: string;
  /** What the person who is followed has selected. */
  readonly theirs: string | null;
  /** What is to be in sight. */
  readonly look: string | null;
  readonly onTouch: (id: string) => void;
}

/** The music, line by line; what is looked at is brought into sight. */
function Pages({ desktop, threads, title, theirs, look: seen, onTouch }: PagesProps) {
  const look = useLook();
  const { width } = useWindowDimensions();
  const { index, selected } = desktop;
  const systems = useMemo(() => systemsOf(sheetOf(index), width / SCALE), [index, width]);
  const list = useRef<FlatList<System>>(null);
  const place = seen === null ? null : index.place(seen);
  const line = systems.findIndex(({ measures }) => measures.includes(place?.measure ?? ""));
  useEffect(() => {
    if (line >= 0) list.current?.scrollToIndex({ index: line, viewPosition: 0.3 });
  }, [line]);
  const ink = useMemo((): Ink => {
    const of = new Map<string, string>();
    for (const { element, resolved } of threads) {
      if (element !== null && resolved === null) of.set(element, look.spoken);
    }
    if (theirs !== null) of.set(theirs, look.warning);
    for (const { id, events } of selected) {
      for (const each of [id, ...events]) of.set(each, look.chosen);
    }
    return { usual: look.ink, of };
  }, [threads, theirs, selected, look]);
  const heights = systems.map(({ height }) => height * SCALE);
  return (
    <FlatList
      ref={list}
      style={styles.grow}
      data={systems}
      keyExtractor={({ measures }) => measures[0] ?? ""}
      getItemLayout={(_, at) => ({
        index: at,
        length: heights[at] ?? 0,
        offset: heights.slice(0, at).reduce((sum, height) => sum + height, 0),
      })}
      renderItem={({ item, index: at }) => (
        <Music {...{ system: item, scale: SCALE, ink, label: `${title} ${at + 1}`, onTouch }} />
      )}
    />
  );
}
