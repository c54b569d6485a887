import { expect, test } from "vitest";
import {
  keepList,
  keepSettings,
  readList,
  readSettings,
  serverIn,
} from "../src/device/settings.ts";

function device() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

const SERVER = "https://collab.example";

test("a server is asked in the clear on this device alone", () => {
  expect(serverIn(" https://collab.example:8443// ")).toBe("https://collab.example:8443");
  expect(serverIn("http://127.0.0.1:8080")).toBe("http://127.0.0.1:8080");
  expect(serverIn("http://10.0.2.2:8080")).toBe("http://10.0.2.2:8080");
  const refused = ["http://collab.example", "https://ada@x", "https://x/#/y", "https://", "x", ""];
  expect(refused.map(serverIn)).toEqual(refused.map(() => null));
});

test("settings and lists come back, per server; what does not read is nothing", async () => {
  const store = device();
  expect(await readSettings(store)).toEqual({ server: "", name: "" });
  await keepSettings(store, { server: SERVER, name: "Anna" });
  await keepList(store, SERVER, [{ room: "band/air", title: "Air" }]);
  expect(await readSettings(store)).toEqual({ server: SERVER, name: "Anna" });
  expect(await readList(store, SERVER)).toEqual([{ room: "band/air", title: "Air" }]);
  expect(await readList(store, "https://other.example")).toEqual([]);
  for (const bad of ["{", "null", "[]", '{"scores": 3, "server": 1}', '{"scores": [null, {}]}']) {
    for (const key of [...store.kept.keys()]) store.kept.set(key, bad);
    expect(await readSettings(store)).toEqual({ server: "", name: "" });
    expect(await readList(store, SERVER)).toEqual([]);
  }
});
