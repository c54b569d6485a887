import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { Desktop } from "../src/desktop.ts";
import { Memory } from "../src/memory.ts";
import { wordsFor } from "../src/words.ts";
import { StandIn, type StandInWindow } from "./stand-in.ts";

const HOME = "http://127.0.0.1:8080";
const folder = mkdtempSync(join(tmpdir(), "bandpro-"));
writeFileSync(join(folder, "index.html"), "<p>built</p>");
afterAll(() => rmSync(folder, { recursive: true }));

let standIn: StandIn;
let kept: string;

beforeEach(() => {
  standIn = new StandIn();
  kept = join(mkdtempSync(join(folder, "kept-")), "bandpro.json");
});

async function started(args: string[] = [], platform: NodeJS.Platform = "linux"): Promise<Desktop> {
  const setup = { memory: new Memory(kept), words: wordsFor("en-GB"), editor: folder, platform };
  const desktop = new Desktop(standIn.electron, setup);
  await desktop.start(args);
  return desktop;
}

function only(): StandInWindow {
  const [window, ...others] = standIn.windows;
  if (window === undefined || others.length > 0) throw new Error("not one window");
  return window;
}

test("a window shows the built editor, in a sandbox", async () => {
  await started();
  const window = only();
  const { webContents, options } = window;
  expect(webContents.address).toBe(`${HOME}/#/`);
  await expect.poll(() => window.answer).not.toBeNull();
  expect(await window.answer?.text()).toBe("<p>built</p>");
  expect(options.webPreferences).toMatchObject({
    ...{ sandbox: true, contextIsolation: true, webSecurity: true },
    ...{ nodeIntegration: false, nodeIntegrationInSubFrames: false },
    ...{ nodeIntegrationInWorker: false, webviewTag: false, devTools: false },
    ...{ allowRunningInsecureContent: false, navigateOnDragDrop: false },
  });
  expect(options.webPreferences).not.toHaveProperty("preload");
  expect(standIn.done).toEqual(["sandbox", "scheme bandpro"]);
  expect([...standIn.sessions.keys()]).toEqual([expect.stringMatching(/^persist:[0-9a-f]{16}$/)]);
});

test("a window is kept on its server's page, and gets nothing of the device", async () => {
  await started();
  const { webContents: contents, session } = only();
  for (const event of ["will-navigate", "will-frame-navigate", "will-redirect"]) {
    expect(contents.goesOn(event, { url: `${HOME}/#/air` })).toBe(true);
    for (const url of [`${HOME}/docs`, "https://evil.example/", "file:///etc/passwd", "data:,x"]) {
      expect(contents.goesOn(event, { url })).toBe(false);
    }
  }
  expect(contents.goesOn("will-attach-webview")).toBe(false);
  expect(contents.opener({ url: `${HOME}/` })).toEqual({ action: "deny" });
  const asked = [`${HOME}/v1/scores`, "ws://127.0.0.1:8080/hocuspocus", `blob:${HOME}/1`];
  const others = [
    ...["https://evil.example/", "ws://127.0.0.1:8081/", "wss://evil.example/"],
    ...["blob:https://evil.example/1", "file:///etc/passwd", "devtools://x/"],
  ];
  expect(asked.map((url) => session.isCancelled({ url }))).toEqual(asked.map(() => false));
  expect(others.map((url) => session.isCancelled({ url }))).toEqual(others.map(() => true));
  const uses = ["media", "geolocation", "notifications", "midi", "clipboard-read", "openExternal"];
  expect(uses.map((permission) => session.mayUse(permission))).toEqual(uses.map(() => false));
  expect([session.mayCheck(), session.mayPickDevice()]).toEqual([false, false]);
  let isStopped = false;
  const download = { preventDefault: () => (isStopped = true) };
  session.emit("will-download", download, { getURL: () => `${HOME}/v1/files/x` });
  expect(isStopped).toBe(false);
  session.emit("will-download", download, { getURL: () => "https://evil.example/x" });
  expect(isStopped).toBe(true);
});

test("links lead to scores, and strange servers are asked about first", async () => {
  await started(["--no-sandbox", "bandpro://127.0.0.1:8080/band/air", "about:blank"]);
  expect(only().webContents.address).toBe(`${HOME}/#/band%2Fair`);
  standIn.button = 1;
  standIn.app.emit("second-instance", {}, ["/usr/bin/x", "bandpro://collab.example/tune"], "/");
  await expect.poll(() => standIn.told.length).toBe(1);
  expect(standIn.told[0]?.message).toBe("Connect to https://collab.example?");
  expect(only().webContents.address).toBe(`${HOME}/#/band%2Fair`);
  standIn.button = 0;
  const link = { preventDefault: () => {} };
  standIn.app.emit("open-url", link, "bandpro://collab.example/tune");
  await expect.poll(() => standIn.windows.length).toBe(2);
  const other = standIn.windows[1];
  expect(other?.webContents.address).toBe("https://collab.example/#/tune");
  expect(other?.session).not.toBe(standIn.windows[0]?.session);
  expect(other?.webContents.goesOn("will-navigate", { url: `${HOME}/#/` })).toBe(false);
  // It is agreed to, also at the next start, and is the server that is used.
  standIn = new StandIn();
  await started();
  expect(only().webContents.address).toBe("https://collab.example/#/");
});

test("a second start hands over and ends", async () => {
  standIn.isFirst = false;
  await started(["bandpro://127.0.0.1:8080/air"]);
  expect([standIn.done, standIn.windows]).toEqual([["quit"], []]);
});

test("menus speak as the editor does, which has one kind of Chinese", () => {
  const said = ["de", "zh-TW", "zh-Hans-CN"].map((locale) => wordsFor(locale).list);
  expect(said).toEqual(["All Scores", "所有樂譜", "所有樂譜"]);
});

test("menus act on the window in front", async () => {
  const desktop = await started();
  expect(standIn.item("save")?.enabled).toBe(false);
  const { webContents } = only();
  webContents.address = `${HOME}/#/band%2Fair`;
  webContents.emit("did-navigate-in-page");
  expect(standIn.item("save")?.enabled).toBe(true);
  await desktop.run("copy-link");
  expect(standIn.clipboard).toBe("bandpro://127.0.0.1:8080/band/air");
  await desktop.run("list");
  expect(webContents.address).toBe(`${HOME}/#/`);
  await desktop.run("open-address");
  const addresses = standIn.windows.map((window) => window.webContents.address);
  expect(addresses).toEqual([`${HOME}/#/`, `${HOME}/#/band%2Fair`]);
  standIn.clipboard = "rm -rf /";
  await desktop.run("open-address");
  expect(standIn.told.at(-1)?.detail).toBe("The clipboard holds no address of a score.");
});

test("unsaved edits are asked about before a window goes", async () => {
  await started();
  const { webContents } = only();
  standIn.button = 1;
  expect(webContents.goesOn("will-prevent-unload")).toBe(true); // the page's wish to stay holds
  standIn.button = 0;
  expect(webContents.goesOn("will-prevent-unload")).toBe(false);
});

test("a memory that does not read is empty, and the application starts", async () => {
  writeFileSync(kept, '{"servers": ["https://a.example", 3], "files": [{}], ');
  await started();
  expect(only().webContents.address).toBe(`${HOME}/#/`);
});
