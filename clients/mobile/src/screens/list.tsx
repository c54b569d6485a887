import { type GiveToken, type KeyValueStore, openLibrary, roomFor, ScoreError } from "bandpro-sdk";
import { useEffect, useMemo, useState } from "react";
import { FlatList, Pressable, View } from "react-native";
import { allScores, scoresWith } from "../../../web/src/session/scores.ts";
import { failure } from "../../../web/src/words/words.ts";
import { keepList, type Listed, readList } from "../device/settings.ts";
import { styles, useLook } from "../look.ts";
import { Button, Field, Line } from "../parts.tsx";
import type { Words } from "../words.ts";

interface Props {
  readonly server: string;
  readonly token: GiveToken | undefined;
  readonly device: KeyValueStore;
  readonly words: Words;
  readonly onOpen: (room: string) => void;
  readonly onBack: () => void;
}

const MEASURES = 16;

/** All scores that one may read; without the server those that were there last. */
export function ScoreList({ server, token, device, words, onOpen, onBack }: Props) {
  const look = useLook();
  const library = useMemo(() => openLibrary(server, token ? { token } : {}), [server, token]);
  const [scores, setScores] = useState<readonly Listed[] | null>(null);
  const [sought, setSought] = useState("");
  const [told, setTold] = useState("");
  const [turn, setTurn] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `turn` asks once more.
  useEffect(() => {
    let isCurrent = true;
    const ask = async () => {
      const found = await allScores(library);
      if (!isCurrent) return;
      setScores(found);
      setTold("");
      // That it cannot be kept is no reason not to show it.
      await keepList(device, server, found).catch(() => {});
    };
    ask().catch(async (error: unknown) => {
      const isAway = error instanceof ScoreError && error.code === "network";
      const last = isAway ? await readList(device, server) : [];
      if (!isCurrent) return;
      setScores(last);
      setTold(isAway ? words.notReached : failure(words, error));
    });
    return () => {
      isCurrent = false;
    };
  }, [library, device, server, words, turn]);

  const create = () => {
    const title = sought.trim() || words.untitled;
    const room = roomFor(title);
    library
      .create(room, { title, template: "solo", measures: MEASURES })
      .then(() => onOpen(room))
      .catch((error: unknown) => setTold(failure(words, error)));
  };

  const found = scoresWith(scores ?? [], sought);
  return (
    <View style={styles.screen}>
      <View style={styles.row}>
        <Button label={words.back} sign="‹" onPress={onBack} />
        <View style={styles.grow}>
          <Line kind="title">{words.allScores}</Line>
        </View>
        <Button label={words.tryAgain} sign="↻" onPress={() => setTurn((before) => before + 1)} />
        <Button label={words.create} sign="+" onPress={create} />
      </View>
      <View style={styles.form}>
        <Field label={words.search} value={sought} onChange={setSought} />
        {told === "" ? null : <Line isWarning>{told}</Line>}
        {scores === null ? <Line isQuiet>{words.loading}</Line> : null}
      </View>
      <FlatList
        data={found}
        keyExtractor={({ room }) => room}
        renderItem={({ item: { room, title } }) => (
          <Pressable
            accessibilityRole="button"
            accessibilityLabel={title || room}
            onPress={() => onOpen(room)}
            style={[styles.item, { borderColor: look.line }]}
          >
            <Line>{title || room}</Line>
            <Line kind="small" isQuiet>
              {room}
            </Line>
          </Pressable>
        )}
      />
    </View>
  );
}
