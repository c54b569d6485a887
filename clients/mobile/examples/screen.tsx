// A screen of a React Native application of one's own: a score, live, with a button that writes.
import type { Score } from "bandpro-sdk";
import { useConnection, useSaved, useScore, useView } from "bandpro-sdk/react";
import { Button, Text, View } from "react-native";

interface Props {
  readonly url: string;
  readonly room: string;
  readonly token?: () => Promise<string>;
}

export function TuneScreen({ url, room, token }: Props) {
  const score = useScore(url, room, { token });
  const view = useView(score);
  const connection = useConnection(score);
  const { state } = useSaved(score);
  if (connection.state === "denied") return <Text>No entry: {connection.reason}</Text>;
  const notes = (view?.measures ?? [])
    .flatMap((measure) => measure.cells.flatMap((cell) => cell.voices))
    .flatMap((voice) => voice.items.filter((item) => item.kind === "chord"));
  return (
    <View>
      <Text>{`${notes.length} notes, ${state}`}</Text>
      <Button title="Write" disabled={score === null} onPress={() => score && write(score)} />
    </View>
  );
}

function write(score: Score) {
  const { parts, measures } = score.view.get();
  const [part, measure] = [parts[0], measures[0]?.id];
  if (part === undefined || measure === undefined) return;
  const pitch = { step: "C", octave: 5 };
  score.edit({ op: "InsertNote", part, measure, onset: [0, 1], duration: [1, 1], pitch });
}
