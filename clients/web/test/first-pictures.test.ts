import { keyValue } from "bandpro-sdk";
import { afterEach, expect, test, vi } from "vitest";
import type { Drawn } from "../src/engraving/pictures.ts";

const ROWS: readonly Drawn[] = ["first", "second"].map((content) => ({
  content,
  picture: { svg: `<svg>${content}</svg>`, ratio: 0.25 },
}));

/** A browser's storage, opened by a page whose engraver has this name. */
async function opened(engraver: string, held: Map<string, string>) {
  vi.resetModules();
  vi.stubEnv("ENGRAVER", engraver);
  const { firstPictures } = await import("../src/session/first-pictures.ts");
  const storage = keyValue({
    getItem: async (key) => held.get(key) ?? null,
    setItem: async (key, value) => void held.set(key, value),
    removeItem: async (key) => void held.delete(key),
  });
  return firstPictures("a room", "a key", storage);
}

afterEach(() => {
  vi.unstubAllEnvs();
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
