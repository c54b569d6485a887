// Against a real server at BANDPRO_URL, with the token BANDPRO_TOKEN.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLibrary } from "bandpro-sdk";
import { afterAll, expect, test } from "vitest";
import { setToken } from "../../../web/src/session/token.ts";
import { Desktop } from "../../src/desktop.ts";
import { Memory } from "../../src/memory.ts";
import { POLICY } from "../../src/pages.ts";
import { wordsFor } from "../../src/words.ts";
import { StandIn } from "../stand-in.ts";

const server = process.env["BANDPRO_URL"] ?? "";
const token = process.env["BANDPRO_TOKEN"] ?? "";
const folder = mkdtempSync(join(tmpdir(), "bandpro-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FILE = `<?xml version="1.0" encoding="UTF-8"?>
<score-partwise version="4.0">
  <work><work-title>Air</work-title></work>
  <part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>
  <part id="P1"><measure number="1">
    <attributes><divisions>1</divisions><time><beats>1</beats><beat-type>4</beat-type></time></attributes>
    <note><pitch><step>C</step><octave>5</octave></pitch><duration>1</duration><type>quarter</type></note>
  </measure></part>
</score-partwise>
`;

test("the gateway says the same policy for its editor", async () => {
  const page = await fetch(server);
  expect(page.headers.get("content-security-policy")).toBe(POLICY);
});

test("a file is opened, edited by others, and saved where it came from", async () => {
  const standIn = new StandIn();
  const memory = new Memory(join(folder, "kept.json"));
  const desktop = new Desktop(standIn.electron, {
    ...{ memory, words: wordsFor("en"), editor: null, platform: "linux" as const },
  });
  await desktop.start([`--server=${server}`]);
  // A server that was never used is agreed to first.
  expect(standIn.told.splice(0)).toHaveLength(1);
  const [window] = standIn.windows;
  if (window === undefined) throw new Error("no window");
  // The editor's own code says where it keeps the token.
  const setItem = (key: string, value: string) => window.webContents.stored.set(key, value);
  Reflect.set(globalThis, "sessionStorage", { setItem });
  setToken(token);

  const path = join(folder, "Air in C.musicxml");
  writeFileSync(path, FILE);
  standIn.chosen = [path];
  await desktop.run("open-file");
  expect(standIn.told.map(({ detail }) => detail)).toEqual([]);
  const shown = window.webContents.address;
  const room = decodeURIComponent(new URL(shown).hash.slice(2));
  expect(room).toMatch(/^scores\/air-in-c-[a-z0-9]{8}$/);
  expect(standIn.done).toContain(`recent ${path}`);
  // Once more, unchanged: the same score.
  await desktop.run("open-file");
  expect(window.webContents.address).toBe(shown);

  const library = openLibrary(server, { token: () => token });
  await library.change(room, { title: "Aria" });
  await desktop.run("save");
  const saved = readFileSync(path);
  expect(saved.equals(await library.musicXml(room))).toBe(true);
  expect(saved.toString()).toContain("Aria");
  standIn.target = join(folder, "copy.musicxml");
  await desktop.run("save-as");
  expect(readFileSync(standIn.target).equals(saved)).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["Air in C.musicxml", "copy.musicxml", "kept.json"]);

  // What was changed by another program is another score; what is none is told.
  writeFileSync(path, FILE.replace("Air", "Gigue"));
  await desktop.run("open-file");
  expect(window.webContents.address).not.toBe(shown);
  writeFileSync(path, "no music");
  await desktop.run("open-file");
  expect(standIn.told).toHaveLength(1);
  window.webContents.stored.clear();
  await desktop.run("save-as");
  expect(standIn.told).toHaveLength(2); // nobody is signed in any more
  expect(readFileSync(standIn.target).equals(saved)).toBe(true);
});
