import { ScrollView, View } from "react-native";
import type { Command } from "../../../web/src/editing/keys.ts";
import { styles } from "../look.ts";
import { Button } from "../parts.tsx";
import type { Words } from "../words.ts";

interface Props {
  readonly words: Words;
  /** The length of the next note, in quarters. */
  readonly quarters: number;
  readonly isDotted: boolean;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly run: (command: Command) => void;
}

const STEPS = ["C", "D", "E", "F", "G", "A", "B"];

/** What the keys of the web editor do, as buttons. */
export function Palette({ words, quarters, isDotted, canUndo, canRedo, run }: Props) {
  const values = [
    ["1", words.whole, 4],
    ["½", words.half, 2],
    ["¼", words.quarter, 1],
    ["⅛", words.eighth, 1 / 2],
    ["1/16", words.sixteenth, 1 / 4],
  ] as const;
  const signs: readonly (readonly [sign: string, label: string, command: Command])[] = [
    [".", words.dot, { do: "dot" }],
    ["–", words.rest, { do: "rest" }],
    ["♯", words.sharp, { do: "alter", by: 1 }],
    ["♭", words.flat, { do: "alter", by: -1 }],
    ["♮", words.natural, { do: "alter", by: null }],
    ["↑", words.up, { do: "move", by: 1 }],
    ["↓", words.down, { do: "move", by: -1 }],
    ["⌒", words.tie, { do: "tie" }],
    ["⌫", words.delete, { do: "delete" }],
  ];
  return (
    <View accessibilityRole="toolbar" accessibilityLabel={words.toolbar}>
      <View style={styles.wrap}>
        <Button label={words.previous} sign="◀" onPress={() => run(go(-1))} />
        {STEPS.map((step) => (
          <Button
            key={step}
            label={step}
            onPress={() => run({ do: "step", step, isChord: false })}
          />
        ))}
        <Button label={words.next} sign="▶" onPress={() => run(go(1))} />
      </View>
      <ScrollView horizontal contentContainerStyle={styles.wrap}>
        <Button label={words.undo} sign="↶" isOff={!canUndo} onPress={() => run({ do: "undo" })} />
        <Button label={words.redo} sign="↷" isOff={!canRedo} onPress={() => run({ do: "redo" })} />
        {values.map(([sign, label, value]) => (
          <Button
            key={label}
            {...{ label, sign, isOn: value === quarters }}
            onPress={() => run({ do: "value", quarters: value })}
          />
        ))}
        {signs.map(([sign, label, command]) => (
          <Button
            key={label}
            {...{ label, sign, isOn: command.do === "dot" && isDotted }}
            onPress={() => run(command)}
          />
        ))}
      </ScrollView>
    </View>
  );
}

function go(by: 1 | -1): Command {
  return { do: "go", by, extends: false };
}
