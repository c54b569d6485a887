import type { Score, Thread } from "bandpro-sdk";
import { useState } from "react";
import { ScrollView, View } from "react-native";
import { failure } from "../../../web/src/words/words.ts";
import { styles, useLook } from "../look.ts";
import { Button, Field, Line } from "../parts.tsx";
import type { Words } from "../words.ts";

interface Props {
  readonly score: Score;
  readonly threads: readonly Thread[];
  /** What is selected, which a new thread is about; null for the whole score. */
  readonly element: string | null;
  readonly words: Words;
  readonly onShow: (element: string) => void;
}

/** What people say about the score, and what is said next. */
export function Comments({ score, threads, element, words, onShow }: Props) {
  const look = useLook();
  const [text, setText] = useState("");
  const [thread, setThread] = useState<string | null>(null);
  const [told, setTold] = useState("");
  const did = (work: Promise<unknown>) => {
    setTold("");
    work.then(
      () => {
        setText("");
        setThread(null);
      },
      (error: unknown) => setTold(failure(words, error)),
    );
  };
  const say = () => {
    const said = text.trim();
    if (said === "") return;
    const { comments } = score;
    did(
      thread !== null
        ? comments.reply(thread, said)
        : comments.begin(said, element === null ? {} : { element }),
    );
  };
  const label =
    thread !== null ? words.reply : element === null ? words.commentOnAll : words.commentOnNote;
  return (
    <ScrollView contentContainerStyle={styles.form} keyboardShouldPersistTaps="handled">
      <Field label={label} value={text} onChange={setText} onSubmitEditing={say} />
      <Button label={words.comment} onPress={say} />
      {told === "" ? null : <Line isWarning>{told}</Line>}
      {threads
        .filter(({ resolved }) => resolved === null)
        .map((each) => (
          <View key={each.id} style={[styles.item, { borderColor: look.line }]}>
            {each.messages
              .filter(({ isDeleted }) => !isDeleted)
              .map((message) => (
                <Line key={message.id}>
                  {`${message.name || message.author || words.someone}: ${message.text}`}
                </Line>
              ))}
            {each.anchor === "detached" ? (
              <Line kind="small" isQuiet>
                {words.detached}
              </Line>
            ) : null}
            <View style={styles.wrap}>
              <Button
                label={words.reply}
                isOn={thread === each.id}
                onPress={() => setThread(each.id)}
              />
              <Button label={words.resolve} onPress={() => did(score.comments.resolve(each.id))} />
              {each.element !== null && each.anchor === "attached" ? (
                <Button label={words.showPlace} onPress={() => onShow(each.element ?? "")} />
              ) : null}
            </View>
          </View>
        ))}
    </ScrollView>
  );
}
