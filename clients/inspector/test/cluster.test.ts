import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { BusHealth, ClusterNode, LiveRoom, Picture } from "../src/cluster/answers.ts";
import { ClusterFeed } from "../src/cluster/cluster-feed.ts";
import { conditionOf } from "../src/cluster/condition.ts";
import { awayFrom, roomsAsked } from "../src/cluster/live-rooms.ts";
import { linePoints, PAST_MAX, withMoment } from "../src/cluster/past.ts";
import { busDetails, busInWords, roomsAtHome, spanInWords } from "../src/cluster/words.ts";
import type { ApiAnswer } from "../src/connection/api.ts";

const redis: BusHealth = {
  kind: "redis",
  is_up: true,
  delay_ms: 0.7,
  peers: 1,
  gaps: 0,
  interruptions: 0,
  look_ms: 5000,
};

function node(name: string, more: Partial<ClusterNode> = {}): ClusterNode {
  return {
    node: name,
    boot: 1,
    address: `http://${name}.example`,
    state: "serving",
    share: 0.5,
    rooms: 3,
    sessions: 7,
    cpu: 0.25,
    lag_ms: 1.5,
    version: "0.1.0",
    uptime_ms: 5000,
    silent_ms: 0,
    store_problem: null,
    bus: redis,
    is_here: false,
    moves: [],
    ...more,
  };
}

function picture(nodes: ClusterNode[], more: Partial<Picture> = {}): Picture {
  return { nodes, gone: [], ageMs: 200, rooms: [], isWhole: true, ...more };
}

const gone = { boot: 1, address: null, version: "0.1.0", silent_ms: 9000 };

describe("a span of time", () => {
  test.each([
    [0, "0 s"],
    [999, "0 s"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [3_659_000, "1 h"],
    [5 * 86_400_000 + 3 * 3_600_000 + 59_000, "5 d 3 h"],
    [-5, "0 s"],
  ])("of %i ms reads %s", (ms, words) => {
    expect(spanInWords(ms)).toBe(words);
  });
});

describe("the bus of a node", () => {
  test.each([
    [redis, "Up, 0.7 ms", "good", ["hears 1 of 1"]],
    [{ ...redis, delay_ms: 812.4 }, "Up, 812 ms", "warn", ["hears 1 of 1"]],
    [{ ...redis, delay_ms: null, peers: 0 }, "Up", "good", ["hears 0 of 1"]],
    [
      { ...redis, is_up: false, look_ms: 2000, gaps: 1, interruptions: 2 },
      "Down",
      "bad",
      ["looks into the store every 2 s", "1 gap met", "lost 2 times"],
    ],
    [
      { ...redis, kind: "log", is_up: false, look_ms: 2000 },
      "Store only",
      "dim",
      ["looks into the store every 2 s"],
    ],
    [{ ...redis, kind: "off", look_ms: 0 }, "By itself", "dim", []],
    [null, "Not told", "dim", []],
  ] as const)("%j reads %s", (bus, words, tone, details) => {
    expect(busInWords(bus)).toEqual({ text: words, tone });
    expect(busDetails(bus, 1).map(({ text }) => text)).toEqual(details);
  });
});

describe("the condition of the whole", () => {
  test("is good where nothing is wrong, and adds up", () => {
    const both = [node("ann"), node("bob", { state: "draining" })];
    const condition = conditionOf(picture(both, { isWhole: false }));
    expect(condition).toEqual({
      tone: "good",
      headline: "All nodes are well.",
      problems: [],
      serving: 1,
      nodes: 2,
      rooms: 6,
      sessions: 14,
    });
    expect(conditionOf(picture([node("ann")])).headline).toBe("The node is well.");
    const duo = { room: "duo", home: "ann", sessions: 14, open_on: [] };
    expect(conditionOf(picture(both, { rooms: [duo] })).rooms).toBe(1);
  });

  test("names who died, and nobody who left in good order", () => {
    const left = { ...gone, node: "eve", has_left: true };
    expect(conditionOf(picture([node("ann")], { gone: [left] })).tone).toBe("good");
    const dead = { ...gone, node: "bob", has_left: false };
    const condition = conditionOf(picture([node("ann")], { gone: [dead, left] }));
    expect(condition.tone).toBe("bad");
    expect(condition.headline).toMatch(/^bob is dead/);
    expect([condition.serving, condition.nodes]).toEqual([1, 2]);
  });

  test.each([
    ["bad", { state: "silent" }, /^ann is silent/],
    ["bad", { store_problem: "no space" }, /^ann has trouble with its store/],
    ["warn", { bus: { ...redis, is_up: false } }, /^ann has lost the bus/],
    ["warn", { lag_ms: 300 }, /^ann is late/],
  ] as const)("is %s with %j", (tone, more, words) => {
    const condition = conditionOf(picture([node("ann", more), node("bob")]));
    expect(condition.tone).toBe(tone);
    expect(condition.headline).toMatch(words);
  });

  test("puts what is grave first, many names short, and says what is old", () => {
    const down = { bus: { ...redis, is_up: false } };
    const many = ["a", "b", "c", "d", "e", "f"].map((name) => node(name, down));
    const condition = conditionOf(picture(many, { ageMs: 65_000 }));
    expect(condition.tone).toBe("bad");
    expect(condition.problems).toEqual([
      "The store was last read 1 min 5 s ago: all else is from then.",
      expect.stringMatching(/^a, b, c, d and 2 more have lost the bus/),
    ]);
  });

  test("of a node without Redis is not that the bus is down", () => {
    const alone = node("ann", { bus: { ...redis, kind: "off", is_up: false } });
    expect(conditionOf(picture([alone])).tone).toBe("good");
  });
});

test("rooms at home are those that would not move", () => {
  const moves = [{ node: "bob", rooms: 2, sessions: 3 }];
  expect(roomsAtHome(node("ann", { rooms: 5, moves }))).toBe(3);
});

describe("the rooms", () => {
  const rooms: LiveRoom[] = [
    {
      room: "band/10",
      home: "bob",
      sessions: 2,
      open_on: [
        { node: "ann", sessions: 1 },
        { node: "bob", sessions: 1 },
      ],
    },
    { room: "band/9", home: "ann", sessions: 2, open_on: [{ node: "ann", sessions: 2 }] },
    { room: "Choir", home: null, sessions: 9, open_on: [{ node: "ann", sessions: 9 }] },
  ];
  const all = { filter: "", onlyMoving: false, order: "sessions", descending: true } as const;
  const names = (asked: Parameters<typeof roomsAsked>[1]): string[] =>
    roomsAsked(rooms, asked).map(({ room }) => room);

  test("come with the most sessions first, equals by name with its numbers as such", () => {
    expect(names(all)).toEqual(["Choir", "band/9", "band/10"]);
    expect(names({ ...all, descending: false })).toEqual(["band/9", "band/10", "Choir"]);
    expect(names({ ...all, order: "room", descending: false })).toEqual([
      "band/9",
      "band/10",
      "Choir",
    ]);
    expect(names({ ...all, order: "home", descending: true })).toEqual([
      "band/10",
      "band/9",
      "Choir",
    ]);
  });

  test("are found by all words of a search, in any case", () => {
    expect(names({ ...all, filter: " BAND 9 " })).toEqual(["band/9"]);
    expect(names({ ...all, filter: "none" })).toEqual([]);
  });

  test("that would move are open where they are not at home", () => {
    expect(rooms.map(awayFrom)).toEqual([["ann"], [], []]);
    expect(names({ ...all, onlyMoving: true })).toEqual(["band/10"]);
  });
});

describe("the last minute", () => {
  test("is kept for each run of a node, and no longer", () => {
    let past = withMoment(new Map(), [node("ann"), node("bob")]);
    for (let cpu = 0; cpu < 70; cpu += 1) past = withMoment(past, [node("ann", { cpu })]);
    expect([...past.keys()]).toEqual(["ann:1"]);
    expect(past.get("ann:1")?.cpu).toHaveLength(PAST_MAX);
    expect(past.get("ann:1")?.cpu.at(-1)).toBe(69);
    expect([...withMoment(past, [node("ann", { boot: 2 })]).keys()]).toEqual(["ann:2"]);
  });

  test("is a line that ends at the right and has room for what is usual", () => {
    expect(linePoints([0, 25, 50], 50, 59, 10)).toBe("57.0,10.0 58.0,5.0 59.0,0.0");
    expect(linePoints([100], 50, 59, 10)).toBe("59.0,0.0");
    expect(linePoints([], 50, 59, 10)).toBe("");
  });
});

describe("the feed", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A server that answers whatever `now` holds, and keeps what it was asked. */
  class Told {
    now: ApiAnswer = { kind: "answer", body: { nodes: [node("ann")], gone: [], age_ms: 7 } };
    readonly asked: string[] = [];
    readonly feed = new ClusterFeed(async (path) => {
      this.asked.push(path);
      return this.now;
    });
  }

  test("asks once a second, and keeps what it has when there is no answer", async () => {
    const told = new Told();
    told.feed.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(told.feed.state.value).toEqual({ kind: "live" });
    expect(told.feed.picture.value?.ageMs).toBe(7);
    const takenMs = told.feed.takenMs.value;
    told.now = { kind: "unreachable", detail: "gone" };
    await vi.advanceTimersByTimeAsync(3000);
    expect(told.asked).toHaveLength(8);
    expect(told.feed.state.value).toEqual({ kind: "unreachable", detail: "gone" });
    expect(told.feed.picture.value?.nodes).toHaveLength(1);
    expect(told.feed.takenMs.value).toBe(takenMs);
    told.now = { kind: "answer", body: { nodes: [], gone: [], age_ms: 0 } };
    await vi.advanceTimersByTimeAsync(1000);
    expect(told.feed.state.value).toEqual({ kind: "live" });
    expect(told.feed.takenMs.value).toBe(takenMs + 4000);
    told.feed.stop();
  });

  test("asks no more once it was refused, and nothing while nobody looks", async () => {
    const told = new Told();
    told.now = { kind: "refused", status: 403, detail: "owners only" };
    told.feed.start();
    await vi.advanceTimersByTimeAsync(5000);
    expect(told.asked).toHaveLength(2);
    expect(told.feed.state.value).toMatchObject({ kind: "refused", status: 403 });
    const hidden = new Told();
    hidden.feed.start();
    await vi.advanceTimersByTimeAsync(0);
    hidden.feed.pause();
    await vi.advanceTimersByTimeAsync(5000);
    expect(hidden.asked).toHaveLength(2);
    expect(hidden.feed.state.value).toEqual({ kind: "paused" });
    hidden.feed.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(hidden.feed.state.value).toEqual({ kind: "live" });
    hidden.feed.stop();
  });

  test("drops an answer that comes after it was stopped", async () => {
    let give: (answer: ApiAnswer) => void = () => {};
    const feed = new ClusterFeed(
      () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    );
    feed.start();
    feed.stop();
    give({ kind: "answer", body: {} });
    await vi.advanceTimersByTimeAsync(3000);
    expect(feed.picture.value).toBeNull();
    expect(feed.state.value).toEqual({ kind: "asking" });
  });
});
