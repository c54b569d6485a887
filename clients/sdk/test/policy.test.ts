import { describe, expect, test } from "vitest";
import { pauseMs, type Verdict, verdictOn } from "../src/link/policy.ts";

/** As `docs/close-codes.md` has it: those to come back after, and those that are final. */
const VERDICTS: readonly (readonly [number, Verdict["kind"]])[] = [
  [1001, "retry"],
  [1006, "retry"],
  [1009, "stop"],
  [1011, "retry"],
  [1012, "retry"],
  [1013, "retry"],
  [4400, "stop"],
  [4401, "token"],
  [4403, "stop"],
  [4404, "stop"],
  [4409, "reload"],
  [4410, "reload"],
  [4413, "stop"],
  [4423, "stop"],
  [4499, "stop"],
  [4503, "retry"],
  [4508, "retry"],
  [4509, "retry"],
  [4513, "retry"],
  [4528, "retry"],
  [4529, "retry"],
];

test.each(VERDICTS)("after %i: %s", (code, kind) => {
  expect(verdictOn(code).kind).toBe(kind);
});

describe("pauses", () => {
  test("grow, and end growing", () => {
    const least = [1, 2, 3, 4, 100].map((failures) => pauseMs(failures, 0, 0));
    expect(least).toEqual([250, 500, 1000, 2000, 15_000]);
  });

  test("are drawn by lot, so that clients do not come back together", () => {
    const drawn = [0, 0.25, 0.5, 0.999].map((random) => pauseMs(3, 0, random));
    expect(drawn).toEqual([1000, 1250, 1500, 1999]);
  });

  test("are no shorter than the code asks for, and drawn by lot then too", () => {
    expect([pauseMs(1, 5000, 0), pauseMs(1, 5000, 1)]).toEqual([5000, 5250]);
  });
});
