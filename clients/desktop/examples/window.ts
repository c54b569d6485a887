// An Electron application of one's own, with one score of a BandPro server in a window that is kept
// on that server: BANDPRO_URL=https://collab.example BANDPRO_ROOM=band/air electron window.js
import { app, BrowserWindow, session } from "electron";
import { addressOf, serverOf } from "../src/address.ts";
import { isPage, lockContents, lockSession } from "../src/guard.ts";

const server = serverOf(process.env["BANDPRO_URL"] ?? "http://127.0.0.1:8080");
const room = process.env["BANDPRO_ROOM"] ?? "demo";
if (server === null) throw new Error("BANDPRO_URL is no https address, nor one of this device.");

app.enableSandbox();
app.on("web-contents-created", (_event, contents) => {
  lockContents(contents, (address) => isPage(server, address));
});
app.on("window-all-closed", () => app.quit());
app.whenReady().then(() => {
  const kept = session.fromPartition("persist:score");
  lockSession(kept, server);
  const window = new BrowserWindow({
    webPreferences: { session: kept, sandbox: true, contextIsolation: true },
  });
  return window.loadURL(addressOf({ server, room }));
});
