import { expect, test } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { placeOf, threadsIn } from "../src/comments/threads.ts";
import { dataOf } from "../src/http/events.ts";
import { EditRefused, normalise, type Operation } from "../src/index.ts";
import { pause } from "../src/link/tokens.ts";
import { Keeper } from "../src/offline/keeper.ts";
import { keyValue } from "../src/offline/key-value.ts";
import { jobsIn, Presence, peopleIn } from "../src/presence.ts";
import { Replica, type ScoreChange } from "../src/replica.ts";

function replica(): { score: Replica; changes: ScoreChange[] } {
  const changes: ScoreChange[] = [];
  const score = new Replica({
    changed: (change) => changes.push(change),
    updated: () => {},
    historyChanged: () => {},
  });
  score.doc.transact(() => {
    score.doc.getMap("parts").set("p1", { order: "a", name: "Soprano", staves: 1 });
    score.doc.getMap("measures").set("m1", { order: "a" });
    score.doc.getMap("attr").set("time|m1|*|0/1", { beats: [4], unit: 4 });
  });
  changes.length = 0;
  return { score, changes };
}

function note(step: string, onset: number): Operation {
  const at = { part: "p1", measure: "m1", onset: [onset, 1], duration: [1, 1] } as const;
  return { op: "InsertNote", ...at, pitch: { step, octave: 4 } };
}

function notesIn(score: Replica): number {
  const voices = normalise(score.facets).measures[0]?.cells[0]?.voices ?? [];
  return voices.flatMap(({ items }) => items.filter((item) => item.kind === "chord")).length;
}

test("operations in a row are one transaction, or none", () => {
  const { score, changes } = replica();
  score.edit([note("C", 0), note("D", 1)]);
  expect(notesIn(score)).toBe(2);
  expect(changes).toMatchObject([{ isLocal: true, isReplaced: false }]);
  expect([...(changes[0]?.keys.keys() ?? [])].sort()).toEqual(["ev", "pt"]);
  const tie: Operation = { op: "Tie", start: "nobody", end: "nothing" };
  expect(() => score.edit([note("E", 2), tie])).toThrow(EditRefused);
  expect(notesIn(score)).toBe(2);
  expect(changes.length).toBe(1);
});

test("SDK-15 an edit is one update that a server takes, or is refused", () => {
  const { score, changes } = replica();
  score.doc.transact(() => {
    for (let part = 0; part < 1_200; part += 1) {
      score.doc.getMap("parts").set(`q${part}`, { order: "b", name: "Q", staves: 1 });
    }
  });
  const renamed = (count: number) =>
    Array.from({ length: count }, (_, part): Operation => {
      return { op: "RenamePart", part: `q${part}`, name: "Q".repeat(900) };
    });
  changes.length = 0;
  expect(() => score.edit(renamed(1_100))).toThrow(EditRefused);
  expect(changes).toEqual([]);
  let bytes = 0;
  score.doc.once("update", (update: Uint8Array) => {
    bytes = update.length;
  });
  score.edit(renamed(1_000));
  expect(bytes).toBeGreaterThan(900_000);
  expect(bytes).toBeLessThan(1024 * 1024);
});

test("SDK-15 an edit that undo could not take back in one update is refused", () => {
  const { score, changes } = replica();
  score.doc.transact(() => {
    for (let note = 0; note < 1_100; note += 1) {
      score.doc.getMap("dir").set(`d${note}`, { part: "p1", text: "x".repeat(900) });
    }
  });
  changes.length = 0;
  const part = { op: "RemovePart", part: "p1" } as const;
  expect(() => score.edit([part])).toThrow(EditRefused);
  expect(changes).toEqual([]);
  score.edit([
    { op: "DeleteElements", elements: Array.from({ length: 100 }, (_, at) => `d${at}`) },
  ]);
  score.edit([part]);
  let bytes = 0;
  score.doc.once("update", (update: Uint8Array) => {
    bytes = update.length;
  });
  score.undo();
  expect(bytes).toBeGreaterThan(900_000);
  expect(bytes).toBeLessThan(1024 * 1024);
});

test("SDK-15 an edit is measured in bytes: Chinese words are three times as long as they look", () => {
  const { score, changes } = replica();
  const words = {
    ...({ op: "AddDirection", part: "p1", measure: "m1", onset: [0, 1], kind: "words" } as const),
    fields: { text: "漸".repeat(900) },
  };
  changes.length = 0;
  const many = Array.from({ length: 400 }, () => words);
  expect(() => score.edit(many)).toThrow(EditRefused);
  expect(changes).toEqual([]);
  let bytes = 0;
  score.doc.once("update", (update: Uint8Array) => {
    bytes = update.length;
  });
  score.edit(many.slice(0, 340));
  expect(bytes).toBeGreaterThan(900_000);
  expect(bytes).toBeLessThan(1024 * 1024);
});

test("undo takes back one's own edits, each as a step, and leaves those of others", () => {
  const { score } = replica();
  const other = new Y.Doc();
  score.edit([note("C", 0)]);
  score.edit([note("D", 1)]);
  Y.applyUpdate(other, Y.encodeStateAsUpdate(score.doc));
  other.getMap("meta").set("title", "Theirs");
  Y.applyUpdate(score.doc, Y.encodeStateAsUpdate(other));
  expect(score.undo()).toBe(true);
  expect(notesIn(score)).toBe(1);
  expect(score.undo()).toBe(true);
  expect([notesIn(score), score.canUndo, score.undo()]).toEqual([0, false, false]);
  expect(score.doc.getMap("meta").get("title")).toBe("Theirs");
  expect([score.redo(), score.redo(), notesIn(score)]).toEqual([true, true, 2]);
});

function texts(): { store: Map<string, string>; kept: ReturnType<typeof keyValue> } {
  const store = new Map<string, string>();
  const kept = keyValue({
    getItem: (key) => store.get(key) ?? null,
    setItem: (key, value) => store.set(key, value),
    removeItem: (key) => store.delete(key),
  });
  return { store, kept };
}

test("what is kept on a device comes back, also when it was compacted, and is forgotten", async () => {
  const { store, kept } = texts();
  const problems: unknown[] = [];
  const keeper = new Keeper(kept, "k", (problem) => problems.push(problem));
  const doc = new Y.Doc();
  doc.on("update", (update) => keeper.add(update));
  for (let edit = 0; edit < 450; edit++) {
    doc.getMap("meta").set("edits", edit);
    if (edit % 2 === 0) await kept.read("k"); // so that writes do not all become one
  }
  await kept.read("k");
  const again = new Y.Doc();
  await new Keeper(kept, "k", () => {}).load(again);
  await kept.append("other", Y.encodeStateAsUpdate(doc));
  expect(again.getMap("meta").get("edits")).toBe(449);
  expect(store.size).toBeLessThan(210);
  await keeper.clear();
  expect(await kept.read("k")).toEqual([]);
  expect([...store.keys()].sort()).toEqual(["bandpro/other", "bandpro/other/0"]);
  expect(problems).toEqual([]);
});

test("a device that fails is reported, and the score opens all the same", async () => {
  const problems: unknown[] = [];
  const fails = (): Promise<never> => Promise.reject(new Error("disk full"));
  const broken = { read: fails, append: fails, compact: fails, clear: fails };
  const keeper = new Keeper(broken, "k", (problem) => problems.push(problem));
  await keeper.load(new Y.Doc());
  keeper.add(Y.encodeStateAsUpdate(new Y.Doc()));
  await pause(0);
  await keeper.clear();
  expect(problems).toMatchObject([{ code: "storage" }, { code: "storage" }, { code: "storage" }]);
});

/** The table of `docs/comments.md`. */
test.each([
  ["nothing in particular", {}, ["whole", null, null, null]],
  ["an event", { element: "e1" }, ["attached", "p1", "m1", [1, 1]]],
  ["a spanner, at its start", { element: "s1" }, ["attached", "p1", "m1", [1, 1]]],
  ["a measure", { element: "m1" }, ["attached", null, "m1", [0, 1]]],
  ["a part", { element: "p1" }, ["attached", "p1", null, null]],
  [
    "an event that is gone",
    { element: "e9", part: "p1", measure: "m1", onset: [2, 1] },
    ["detached", "p1", "m1", [2, 1]],
  ],
  [
    "an event in a deleted measure",
    { element: "e2", part: "p1", measure: "m2", onset: [0, 1] },
    ["detached", "p1", null, null],
  ],
  ["a place", { measure: "m1", onset: [3, 2] }, ["attached", null, "m1", [3, 2]]],
  ["a place that is gone", { measure: "m9", onset: [3, 2] }, ["detached", null, null, null]],
])("a thread about %s", (_what, anchor, expected) => {
  const facets = {
    parts: new Map([["p1", {}]]),
    measures: new Map<string, unknown>([
      ["m1", {}],
      ["m2", { deleted: true }],
    ]),
    ev: new Map([
      ["e1", { part: "p1", measure: "m1", onset: [1, 1] }],
      ["e2", { part: "p1", measure: "m2", onset: [0, 1] }],
    ]),
    dir: new Map(),
    sp: new Map([["s1", { start: "e1", end: "e2" }]]),
  };
  const found = placeOf(anchor, facets);
  expect([found.anchor, found.part, found.measure, found.onset]).toEqual(expected);
});

test("threads and their messages are in order of time, then of id", () => {
  const message = (thread: string, at_ms: number) => ({ thread, author: "u", text: "t", at_ms });
  const maps = {
    threads: [
      ["c2", { anchor: {}, at_ms: 2 }],
      ["c1", { anchor: {}, at_ms: 1 }],
    ] as [string, unknown][],
    messages: [
      ["c1", message("c1", 1)],
      ["cb", message("c1", 5)],
      ["ca", { ...message("c1", 5), deleted_ms: 6, text: "" }],
    ] as [string, unknown][],
    resolved: [["c2", { by: "u", name: null, at_ms: 9 }]] as [string, unknown][],
  };
  const [first, second] = threadsIn(maps, {});
  expect(first?.messages.map((each) => [each.id, each.isDeleted])).toEqual([
    ["c1", false],
    ["ca", true],
    ["cb", false],
  ]);
  expect([second?.id, second?.resolved, second?.messages]).toEqual([
    "c2",
    { by: "u", name: null, atMs: 9 },
    [],
  ]);
});

test("people are those with a user, jobs are the server's", () => {
  const states = new Map<number, Record<string, unknown>>([
    [7, { user: { id: "u-7", name: "Clara", color: "#123456" }, selection: ["e1"] }],
    [3, { user: { id: "u-3" }, cursor: { measure: "m1" } }],
    [5, { user: { id: "u-own" } }],
    [9, { jobs: { abc: { kind: "export", format: "pdf", state: "running", progress: null } } }],
  ]);
  expect(peopleIn(states, 5)).toEqual([
    { clientId: 3, id: "u-3", name: "", color: "", cursor: { measure: "m1" } },
    { clientId: 7, id: "u-7", name: "Clara", color: "#123456", selection: ["e1"] },
  ]);
  expect(jobsIn(states).map((job) => [job.jobId, job.state])).toEqual([["abc", "running"]]);
});

test("a cursor that moves is no news of jobs", () => {
  const [server, clara, own] = [9, 7, 5].map((clientId) => {
    const doc = new Y.Doc();
    doc.clientID = clientId;
    return new Awareness(doc);
  });
  if (!server || !clara || !own) throw new Error("three are here");
  const tell = (from: Awareness, state: Record<string, unknown> | null): void => {
    from.setLocalState(state);
    applyAwarenessUpdate(own, encodeAwarenessUpdate(from, [from.clientID]), "test");
  };
  const presence = new Presence(() => {});
  presence.use(own);
  const heard: string[] = [];
  presence.people.subscribe(() => heard.push("people"));
  presence.jobs.subscribe(() => heard.push(`${presence.jobs.get().length} jobs`));
  tell(server, { jobs: { abc: { kind: "export", format: "pdf", state: "running" } } });
  expect(heard.splice(0)).toEqual(["people", "1 jobs"]);
  const jobs = presence.jobs.get();
  tell(clara, { user: { id: "u-7" }, selection: ["e1"] });
  tell(clara, { user: { id: "u-7" }, selection: ["e2"] });
  presence.show({ selection: ["e3"] });
  expect(heard.splice(0)).toEqual(["people", "people"]);
  expect(presence.jobs.get()).toBe(jobs);
  tell(server, null);
  expect(heard).toEqual(["people", "0 jobs"]);
  for (const each of [server, clara, own]) each.destroy();
});

test("events are read wherever the stream is cut", async () => {
  const stream = new TextEncoder().encode(
    'retry: 2000\n\n:\n\nid: 1\nevent: progress\ndata: {"é": 1}\n\ndata: a\ndata: b\n\n',
  );
  async function* cut(bytes: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < stream.length; at += bytes) yield stream.slice(at, at + bytes);
  }
  for (const bytes of [1, 3, 7, 1000]) {
    const found: string[] = [];
    for await (const data of dataOf(cut(bytes))) found.push(data);
    expect(found).toEqual(['{"é": 1}', "a\nb"]);
  }
});
