import { describe, expect, test } from "vitest";
import { backoffMs } from "../src/connection/backoff.ts";
import { closeInWords } from "../src/connection/close-codes.ts";
import { credentialsOf } from "../src/connection/tickets.ts";
import { savedInWords, savedStateOf } from "../src/session/saved-state.ts";

describe("a close code", () => {
  test.each([4400, 4401, 4403, 4404, 4409, 4410, 4413, 4423, 4444, 4499])("%i is final", (code) => {
    expect(closeInWords(code).terminal).toBe(true);
  });

  test.each([
    1000, 1001, 1006, 1009, 1011, 1012, 1013, 4399, 4500, 4503, 4508, 4509, 4513, 4528, 4529,
  ])("%i is tried again", (code) => {
    expect(closeInWords(code).terminal).toBe(false);
  });

  test("what can be done is told apart", () => {
    expect(closeInWords(4401).remedy).toBe("credentials");
    expect(closeInWords(4403).remedy).toBe("credentials");
    expect(closeInWords(4404).remedy).toBe("another-room");
    expect(closeInWords(4409).remedy).toBe("rejoin");
    expect(closeInWords(4410).remedy).toBe("reload");
  });

  test("the server's words are shown for a code that is not known here", () => {
    expect(closeInWords(4477, "gone fishing").detail).toBe("Gone fishing.");
  });

  test("a connection that this side gave up is tried again", () => {
    expect(closeInWords(null).terminal).toBe(false);
  });
});

describe("the wait before another try", () => {
  test("doubles up to eight seconds, half of it by lot", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 60].map((n) => backoffMs(n, 0, 1))).toEqual([
      250, 500, 1000, 2000, 4000, 8000, 8000, 8000,
    ]);
    expect(backoffMs(3, 0, 0)).toBe(500);
    expect(backoffMs(3, 0, 0.5)).toBe(750);
  });

  test("is never shorter than the close code asks for", () => {
    expect(backoffMs(1, 5000, 0)).toBe(5000);
  });
});

describe("what is pasted to sign in", () => {
  test("a JSON web token is exchanged for tickets, anything else is a ticket", () => {
    expect(credentialsOf(" eyJh.eyJz.c2ln\n")).toEqual({ kind: "token", token: "eyJh.eyJz.c2ln" });
    expect(credentialsOf("Bearer a.b.c")).toEqual({ kind: "token", token: "a.b.c" });
    expect(credentialsOf("t-9f2c")).toEqual({ kind: "ticket", ticket: "t-9f2c" });
    expect(credentialsOf("  ")).toEqual({ kind: "none" });
  });
});

describe("the saved state", () => {
  test.each([
    [0, "live", false, "Saved"],
    [0, "paused", true, "Saved"],
    [3, "live", false, "Saving… 3"],
    [3, "syncing", false, "Saving… 3"],
    [1, "waiting", false, "Offline, 1 unsaved edit"],
    [2, "paused", false, "Offline, 2 unsaved edits"],
    [2, "closed", false, "Offline, 2 unsaved edits"],
    [2, "live", true, "2 edits not accepted"],
  ] as const)("%i unsaved, %s, read-only %s reads %s", (unsaved, connection, readOnly, words) => {
    expect(savedInWords(savedStateOf(unsaved, connection, readOnly))).toBe(words);
  });
});
