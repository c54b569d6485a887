import { keyValue } from "bandpro-sdk";
import { afterEach, expect, test, vi } from "vitest";
import type { Drawn } from "../src/engraving/pictures.ts";

const ROWS: readonly Drawn[] = ["first", "second"].map((content) => ({
  content,
  picture: { svg: `<svg>${content}</svg>`, ratio: 0.25 },
}));

/** A browser's storage, opened by a page whose engraver has this name. */
async function opened(engraver: string, held: Map<string, string>, key = "a key") {
  vi.resetModules();
  vi.stubEnv("ENGRAVER", engraver);
  const { firstPictures } = await import("../src/session/first-pictures.ts");
  const storage = keyValue({
    getItem: async (key) => held.get(key) ?? null,
    setItem: async (key, value) => void held.set(key, value),
    removeItem: async (key) => void held.delete(key),
  });
  return firstPictures(key, storage);
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test("the rows that were written last are read, and none after they are forgotten", async () => {
  const held = new Map<string, string>();
  const one = await opened("one", held);
  expect(await one.read).toEqual([]);
  await one.write(ROWS.slice(0, 1));
  await one.write(ROWS);
  expect(await (await opened("one", held)).read).toEqual(ROWS);
  await one.clear();
  expect(await (await opened("one", held)).read).toEqual([]);
});

test("for somebody who may not read the score any more, nothing is kept", async () => {
  const held = new Map<string, string>();
  const one = await opened("one", held);
  await one.write(ROWS);
  await one.end();
  await one.write(ROWS);
  expect(await (await opened("one", held)).read).toEqual([]);
});

test("rows that another engraver drew, and what nobody can read, count as none", async () => {
  const held = new Map<string, string>();
  await (await opened("one", held)).write(ROWS);
  expect(await (await opened("another", held)).read).toEqual([]);
  for (const key of held.keys()) held.set(key, "?");
  expect(await (await opened("one", held)).read).toEqual([]);
});

test("no more scores have pictures than may be: those that were drawn longest ago go", async () => {
  const noted = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => noted.get(name) ?? null,
    setItem: (name: string, text: string) => void noted.set(name, text),
  });
  const held = new Map<string, string>();
  const keys = Array.from({ length: 51 }, (_, at) => `score ${at}`);
  for (const key of keys) await (await opened("one", held, key)).write(ROWS);
  const { isDrawn } = await import("../src/session/drawn-scores.ts");
  expect(keys.filter((key) => !isDrawn(key))).toEqual(["score 0"]);
  expect(await (await opened("one", held, "score 0")).read).toEqual([]);
  expect(await (await opened("one", held, "score 1")).read).toEqual(ROWS);
  await (await opened("one", held, "score 50")).clear();
  expect(isDrawn("score 50")).toBe(false);
});
