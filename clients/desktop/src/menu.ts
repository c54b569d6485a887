import type { MenuItemConstructorOptions } from "electron";
import type { Words } from "./words.ts";

/** What a person can ask for in a menu. */
export type Command =
  | "list"
  | "new-window"
  | "open-file"
  | "save"
  | "save-as"
  | "open-address"
  | "copy-link";

export interface MenuSetup {
  readonly words: Words;
  readonly isMac: boolean;
  /** Whether the window in front shows a score. */
  readonly hasScore: boolean;
  readonly run: (command: Command) => void;
}

/** The menus of the application, for the window in front. */
export function menusFor({ words, isMac, hasScore, run }: MenuSetup): MenuItemConstructorOptions[] {
  const item = (
    command: Command,
    label: string,
    accelerator: string,
    enabled = true,
  ): MenuItemConstructorOptions => ({
    ...{ id: command, label, accelerator, enabled },
    click: () => run(command),
  });
  const file: MenuItemConstructorOptions[] = [
    item("list", words.list, "CmdOrCtrl+L"),
    item("new-window", words.newWindow, "CmdOrCtrl+N"),
    { type: "separator" },
    item("open-file", words.open, "CmdOrCtrl+O"),
    item("save", words.save, "CmdOrCtrl+S", hasScore),
    item("save-as", words.saveAs, "CmdOrCtrl+Shift+S", hasScore),
    { type: "separator" },
    item("open-address", words.openAddress, "CmdOrCtrl+Shift+V"),
    item("copy-link", words.copyLink, "CmdOrCtrl+Shift+C", hasScore),
    { type: "separator" },
    isMac ? { role: "close" } : { role: "quit" },
  ];
  // The editor has an undo of its own; where there is no menu for it, text fields have theirs anyway.
  const undo: MenuItemConstructorOptions[] = isMac
    ? [{ role: "undo" }, { role: "redo" }, { type: "separator" }]
    : [];
  const edit: MenuItemConstructorOptions[] = [
    ...undo,
    { role: "cut" },
    { role: "copy" },
    { role: "paste" },
    { role: "selectAll" },
  ];
  const view: MenuItemConstructorOptions[] = [
    { role: "reload" },
    { type: "separator" },
    { role: "resetZoom" },
    { role: "zoomIn" },
    { role: "zoomOut" },
    { type: "separator" },
    { role: "togglefullscreen" },
  ];
  return [
    ...(isMac ? [{ role: "appMenu" } as const] : []),
    { label: words.file, submenu: file },
    { label: words.edit, submenu: edit },
    { label: words.view, submenu: view },
    { label: words.window, role: "windowMenu" },
  ];
}
