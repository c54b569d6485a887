import type { ReactNode } from "react";
import { Pressable, Text, TextInput, type TextInputProps } from "react-native";
import { styles, useLook } from "./look.ts";

interface ButtonProps {
  readonly label: string;
  /** What is drawn, where that is not the label. */
  readonly sign?: string;
  readonly isOn?: boolean;
  readonly isOff?: boolean;
  readonly onPress: () => void;
}

export function Button({ label, sign, isOn = false, isOff = false, onPress }: ButtonProps) {
  const look = useLook();
  return (
    <Pressable
      accessibilityRole="button"
      accessibilityLabel={label}
      accessibilityState={{ disabled: isOff, selected: isOn }}
      disabled={isOff}
      onPress={onPress}
      style={[styles.button, { borderColor: isOn ? look.chosen : look.line }]}
    >
      <Text style={[styles.text, { color: isOff ? look.quiet : look.ink }]}>{sign ?? label}</Text>
    </Pressable>
  );
}

interface FieldProps extends Pick<TextInputProps, "secureTextEntry" | "onSubmitEditing"> {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

export function Field({ label, value, onChange, ...more }: FieldProps) {
  const look = useLook();
  return (
    <TextInput
      accessibilityLabel={label}
      placeholder={label}
      placeholderTextColor={look.quiet}
      autoCapitalize="none"
      autoCorrect={false}
      value={value}
      onChangeText={onChange}
      style={[styles.field, { color: look.ink, borderColor: look.line }]}
      {...more}
    />
  );
}

interface WordsProps {
  readonly children: ReactNode;
  readonly kind?: "title" | "text" | "small";
  readonly isWarning?: boolean;
  readonly isQuiet?: boolean;
}

/** Text; what warns is read out at once. */
export function Line({ children, kind = "text", isWarning, isQuiet }: WordsProps) {
  const look = useLook();
  const color = isWarning ? look.warning : isQuiet ? look.quiet : look.ink;
  return (
    <Text
      accessibilityRole={kind === "title" ? "header" : undefined}
      accessibilityLiveRegion={isWarning ? "assertive" : "none"}
      style={[styles[kind], { color }]}
    >
      {children}
    </Text>
  );
}
