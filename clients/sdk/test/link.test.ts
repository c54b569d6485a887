import { expect, test, vi } from "vitest";
import { saidIn } from "../src/link/frames.ts";
import { NOTHING_YET, savedIn, type Tally, type TallyEvent, tallied } from "../src/link/saved.ts";
import { Socket } from "../src/link/socket.ts";
import { Tokens } from "../src/link/tokens.ts";

const NAME = [1, 0x72]; // "r"

/** Bytes worked out by hand from the protocol; the code stands behind the reason as a varint. */
test.each([
  ["denied for good", [2, 1, 2, 0x6e, 0x6f, 0xb3, 0x22], { code: 4403, reason: "no" }],
  ["ended by an erasure", [7, 3, 0x62, 0x79, 0x65, 0xba, 0x22], { code: 4410, reason: "bye" }],
  ["denied by a server that says no code", [2, 1, 2, 0x6e, 0x6f], { code: 4403, reason: "no" }],
])("a frame tells that a document is %s", (_what, body, told) => {
  expect(saidIn(Uint8Array.from([...NAME, ...body]))).toEqual({ kind: "ended", ...told });
});

test("a frame tells that an edit was refused, and others tell nothing", () => {
  expect(saidIn(Uint8Array.from([...NAME, 8, 0]))).toEqual({ kind: "refused-edit" });
  expect(saidIn(Uint8Array.from([...NAME, 8, 1]))).toBeNull();
  expect(saidIn(Uint8Array.from([...NAME, 2, 2, 8, ...new Uint8Array(8)]))).toBeNull();
  expect(saidIn(Uint8Array.from([...NAME, 0, 2, 1, 0]))).toBeNull();
});

function told(...events: TallyEvent[]): Tally {
  return events.reduce(tallied, NOTHING_YET);
}

const edited: TallyEvent = { kind: "edited" };
const counted = (outstanding: number, isSynced = true): TallyEvent => ({
  kind: "counted",
  outstanding,
  isSynced,
});

test("nothing is called saved before the handshake is durable", () => {
  expect(savedIn(told())).toEqual({ state: "offline", unsaved: 0 });
  expect(savedIn(told(counted(1)))).toEqual({ state: "saving", unsaved: 0 });
  expect(savedIn(told(counted(1), counted(0)))).toEqual({ state: "saved", unsaved: 0 });
});

test("edits are counted until each is acknowledged", () => {
  const online = [counted(1), counted(0), edited, counted(1), edited, counted(2)];
  expect(savedIn(told(...online))).toEqual({ state: "saving", unsaved: 2 });
  expect(savedIn(told(...online, counted(1)))).toEqual({ state: "saving", unsaved: 1 });
  expect(savedIn(told(...online, counted(1), counted(0)))).toEqual({ state: "saved", unsaved: 0 });
});

test("edits made offline stay unsaved until the next handshake is durable", () => {
  const away = [counted(1), counted(0), counted(0, false), edited, edited, edited];
  expect(savedIn(told(...away))).toEqual({ state: "offline", unsaved: 3 });
  expect(savedIn(told(...away, counted(1)))).toEqual({ state: "saving", unsaved: 3 });
  expect(savedIn(told(...away, counted(1), counted(0)))).toEqual({ state: "saved", unsaved: 0 });
});

test("an edit that was refused is never called saved", () => {
  const refused = told(counted(1), counted(0), edited, counted(1), { kind: "refused" });
  expect(savedIn(refused)).toEqual({ state: "refused", unsaved: 1 });
  expect(savedIn(told(counted(0), edited, { kind: "begun" }))).toEqual({
    state: "offline",
    unsaved: 0,
  });
});

/** A network that is gone without a word: it says one thing, and is not even closed. */
class SilentWebSocket {
  readonly readyState = 1;

  addEventListener(event: string, listener: (told: unknown) => void): void {
    if (event === "open") queueMicrotask(() => listener({}));
    if (event === "message") {
      queueMicrotask(() => listener({ data: Uint8Array.from([...NAME, 8, 1]).buffer }));
    }
  }

  removeEventListener(): void {}
  send(): void {}
  close(): void {}
}

test("a connection on which nothing is heard is lost, for its documents too", async () => {
  vi.useFakeTimers();
  const ends: unknown[] = [];
  const closes: unknown[] = [];
  const socket = new Socket("ws://collab.example", SilentWebSocket, {
    ended: (code, reason) => ends.push([code, reason]),
  });
  // The stock socket's clock cannot be faked: any silence is too long for it here.
  socket.setConfiguration({ messageReconnectTimeout: -1 });
  socket.on("close", ({ event }: { event: { code: number } }) => closes.push(event.code));
  socket.open("ws://collab.example");
  await vi.advanceTimersByTimeAsync(60_000);
  socket.destroy();
  vi.useRealTimers();
  expect(ends).toEqual([[1006, ""]]);
  expect(closes).toEqual([1006]);
});

test("whoever asks for a token at the same time gets the same", async () => {
  let given = 0;
  const tokens = new Tokens(async () => `token ${++given}`);
  expect(await Promise.all([tokens.fresh(), tokens.fresh()])).toEqual(["token 1", "token 1"]);
  expect(await tokens.known()).toBe("token 1");
  expect(await tokens.fresh()).toBe("token 2");
});

test("a renewal is another token than before, or ends with the session", async () => {
  let given = "old";
  const tokens = new Tokens(() => given);
  await tokens.fresh();
  const ends = new AbortController();
  vi.useFakeTimers();
  const renewed = tokens.renewed(ends.signal);
  await vi.advanceTimersByTimeAsync(60_000);
  given = "new";
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect(await renewed).toBe("new");
  ends.abort();
  expect(await tokens.renewed(ends.signal)).toBe("new");
});

test("an application without a token gets a typed error", async () => {
  const tokens = new Tokens(() => Promise.reject(new Error("signed out")));
  await expect(tokens.fresh()).rejects.toMatchObject({ name: "ScoreError", code: "token" });
});
