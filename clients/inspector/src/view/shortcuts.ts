import { signal } from "@preact/signals";
import { CLUSTER_HASH } from "../room/room-name.ts";
import { readStored, writeStored } from "../room/stored.ts";
import type { AppState } from "./app-state.ts";
import { toggleTheme } from "./theme.ts";

const SINGLE_KEYS_KEY = "bandpro.single-keys";

/** Whether letters alone are shortcuts; whoever dictates to the browser switches them off. */
export const singleKeys = signal(true);

export function storeSingleKeys(on: boolean): void {
  singleKeys.value = on;
  writeStored("local", SINGLE_KEYS_KEY, on ? null : "off");
}

/** Listens for the keys that work anywhere on the page. */
export function startShortcuts(app: AppState): void {
  singleKeys.value = readStored("local", SINGLE_KEYS_KEY) !== "off";
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || app.dialog.value !== null) return;
    if (event.ctrlKey || event.metaKey) onCommand(app, event);
    else if (!event.altKey && singleKeys.value && !isTyping(event)) onSingleKey(app, event);
  });
}

function onCommand(app: AppState, event: KeyboardEvent): void {
  // In a field, the browser's own undo is what a person expects.
  if (isTyping(event) || app.page.value !== "room") return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) app.undo();
  else if (key === "y" || (key === "z" && event.shiftKey)) app.redo();
  else return;
  event.preventDefault();
}

const places: Readonly<Record<string, string>> = {
  o: "#room-input",
  s: "#score-grid",
  t: "#tree",
  e: "[data-editor]",
  "/": "#tree-filter, #rooms-filter",
};

function onSingleKey(app: AppState, event: KeyboardEvent): void {
  const key = event.key.toLowerCase();
  const place = places[key];
  if (key === "?") {
    app.dialog.value = "help";
  } else if (key === "c") {
    window.location.hash = CLUSTER_HASH;
  } else if (key === "d") {
    toggleTheme();
  } else if (place !== undefined) {
    const element = document.querySelector<HTMLElement>(place);
    if (element === null) return;
    element.focus();
    if (element instanceof HTMLInputElement) element.select();
  } else {
    return;
  }
  event.preventDefault();
}

/** True while the keys go into a field of text. */
function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  if (target instanceof HTMLInputElement) return target.type !== "checkbox";
  return target instanceof HTMLTextAreaElement;
}
