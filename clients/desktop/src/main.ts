import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as electron from "electron";
import { Desktop } from "./desktop.ts";
import { Memory } from "./memory.ts";
import { wordsFor } from "./words.ts";

const { app } = electron;
// In an application that was packaged, and in a checkout.
const folders = [
  join(process.resourcesPath, "editor"),
  fileURLToPath(new URL("../../../gateway/static/editor", import.meta.url)),
];
const desktop = new Desktop(electron, {
  memory: new Memory(join(app.getPath("userData"), "bandpro.json")),
  words: wordsFor(app.getLocale()),
  editor: folders.find((folder) => existsSync(join(folder, "index.html"))) ?? null,
  platform: process.platform,
});
// Not awaited: Electron is ready only after this module has ended.
void desktop.start(process.argv.slice(app.isPackaged ? 1 : 2));
