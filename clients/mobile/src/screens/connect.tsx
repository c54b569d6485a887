import { useState } from "react";
import { View } from "react-native";
import { type Settings, serverIn } from "../device/settings.ts";
import { styles } from "../look.ts";
import { Button, Field, Line } from "../parts.tsx";
import type { Words } from "../words.ts";

interface Props {
  readonly settings: Settings;
  readonly words: Words;
  readonly onConnect: (settings: Settings, token: string) => void;
}

/** Asks for the server, a name, and a token, which is kept until the application ends. */
export function Connect({ settings, words, onConnect }: Props) {
  const [server, setServer] = useState(settings.server);
  const [name, setName] = useState(settings.name);
  const [token, setToken] = useState("");
  const [told, setTold] = useState("");
  const connect = () => {
    const address = serverIn(server);
    if (address === null) setTold(words.notAnAddress);
    else onConnect({ server: address, name: name.trim() }, token.trim());
  };
  return (
    <View style={styles.form}>
      <Line kind="title">BandPro</Line>
      <Field label={words.server} value={server} onChange={setServer} />
      <Field label={words.you} value={name} onChange={setName} />
      <Field label={words.token} value={token} onChange={setToken} secureTextEntry />
      {told === "" ? null : <Line isWarning>{told}</Line>}
      <Button label={words.connect} onPress={connect} />
    </View>
  );
}
