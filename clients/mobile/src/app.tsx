import { type KeyValueStore, keyValue } from "bandpro-sdk";
import { useEffect, useMemo, useState } from "react";
import { StatusBar } from "react-native";
import { SafeAreaProvider, SafeAreaView } from "react-native-safe-area-context";
import type { Language } from "../../web/src/words/words.ts";
import { keepSettings, readSettings, type Settings } from "./device/settings.ts";
import { styles, useLook } from "./look.ts";
import { Line } from "./parts.tsx";
import { Connect } from "./screens/connect.tsx";
import { ScoreList } from "./screens/list.tsx";
import { ScoreScreen } from "./screens/score.tsx";
import { wordsOf } from "./words.ts";

interface Props {
  /** What is kept on the device. */
  readonly device: KeyValueStore;
  readonly language: Language;
}

/** The application: where to connect, the list of scores, and one of them. */
export function App({ device, language }: Props) {
  const look = useLook();
  const words = useMemo(() => wordsOf(language), [language]);
  const offline = useMemo(() => keyValue(device), [device]);
  const [settings, setSettings] = useState<Settings | null>(null);
  const [isConnected, setConnected] = useState(false);
  const [token, setToken] = useState("");
  const [room, setRoom] = useState<string | null>(null);
  const giveToken = useMemo(() => (token === "" ? undefined : () => token), [token]);
  useEffect(() => {
    void readSettings(device).then(setSettings);
  }, [device]);

  const connect = (chosen: Settings, given: string) => {
    setSettings(chosen);
    setToken(given);
    setConnected(true);
    // That it cannot be kept is no reason not to go on.
    keepSettings(device, chosen).catch(() => {});
  };
  const common = { words, token: giveToken };
  return (
    <SafeAreaProvider>
      <SafeAreaView style={[styles.screen, { backgroundColor: look.paper }]}>
        <StatusBar />
        {settings === null ? (
          <Line isQuiet>{words.loading}</Line>
        ) : !isConnected ? (
          <Connect settings={settings} words={words} onConnect={connect} />
        ) : room === null ? (
          <ScoreList
            {...{ ...common, server: settings.server, device }}
            onOpen={setRoom}
            onBack={() => setConnected(false)}
          />
        ) : (
          <ScoreScreen
            {...{ ...common, server: settings.server, name: settings.name, room, offline }}
            onBack={() => setRoom(null)}
          />
        )}
      </SafeAreaView>
    </SafeAreaProvider>
  );
}
