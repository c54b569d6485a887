import { StyleSheet, useColorScheme } from "react-native";

/** Colours of everything that is shown. */
export interface Look {
  readonly paper: string;
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly chosen: string;
  readonly spoken: string;
  readonly warning: string;
}

const LIGHT: Look = {
  paper: "#ffffff",
  ink: "#1b1b1f",
  quiet: "#5c5d66",
  line: "#d9d9e0",
  chosen: "#0b57d0",
  spoken: "#8a4b00",
  warning: "#b3261e",
};
const DARK: Look = {
  paper: "#16171b",
  ink: "#ececf1",
  quiet: "#a9abb6",
  line: "#3a3c46",
  chosen: "#8ab4f8",
  spoken: "#ffb870",
  warning: "#ffb4ab",
};

export function useLook(): Look {
  return useColorScheme() === "dark" ? DARK : LIGHT;
}

export const styles = StyleSheet.create({
  screen: { flex: 1 },
  row: { flexDirection: "row", alignItems: "center", gap: 8, paddingHorizontal: 12, minHeight: 48 },
  wrap: { flexDirection: "row", flexWrap: "wrap", gap: 6, padding: 8 },
  grow: { flex: 1 },
  title: { fontSize: 18, fontWeight: "600" },
  text: { fontSize: 16 },
  small: { fontSize: 13 },
  field: { fontSize: 16, borderWidth: 1, borderRadius: 8, padding: 10, minHeight: 44 },
  button: {
    minWidth: 44,
    minHeight: 44,
    paddingHorizontal: 10,
    borderWidth: 1,
    borderRadius: 8,
    alignItems: "center",
    justifyContent: "center",
  },
  form: { gap: 12, padding: 16 },
  item: { paddingHorizontal: 16, paddingVertical: 12, borderBottomWidth: 1 },
});
