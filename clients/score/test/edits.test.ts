import { describe, expect, test } from "vitest";
import cases from "../../../tests/vectors/score_edits.json" with { type: "json" };
import { EditRefused, type Facets, type Operation, plan } from "../src/index.ts";
import { digestStart } from "../src/operations/sha256.ts";
import { compareText } from "../src/sorting.ts";

type Step = (typeof cases)[number]["steps"][number];

/** What a plan says, as the vectors have it. */
function planned(facets: Facets, operation: Operation, newIds: () => string): unknown {
  try {
    return plan(facets, operation, newIds);
  } catch (error) {
    if (error instanceof EditRefused) {
      return { refused: error.code, elements: [...error.elementIds].sort(compareText) };
    }
    throw error;
  }
}

test("there are vectors of every operation", () => {
  const steps = cases.flatMap((each) => each.steps as Step[]);
  expect(new Set(steps.map((step) => step.operation.op)).size).toBe(31);
  expect(steps.filter((step) => "sets" in step).length).toBeGreaterThan(500);
});

test.each(cases.map((each) => [each.name, each] as const))(
  "%s is edited as on the server",
  (_name, { facets, steps }) => {
    const now = new Map(
      Object.entries(facets).map(([facet, entries]) => [facet, new Map(Object.entries(entries))]),
    );
    let drawn = 0;
    for (const { operation, ...expected } of steps as Step[]) {
      const kept = JSON.stringify([...now].map(([facet, entries]) => [facet, [...entries]]));
      const told = planned(Object.fromEntries(now), operation as unknown as Operation, () => {
        drawn += 1;
        return `x${drawn}`;
      });
      expect(told, JSON.stringify(operation)).toEqual(expected);
      expect(JSON.stringify([...now].map(([facet, entries]) => [facet, [...entries]]))).toBe(kept);
      for (const [facet, key] of expected.deletes ?? []) {
        now.get(facet as string)?.delete(key as string);
      }
      for (const [facet, key, value] of expected.sets ?? []) {
        const entries = now.get(facet as string) ?? new Map();
        now.set(facet as string, entries);
        entries.set(key as string, value);
      }
    }
  },
);

describe("digests", () => {
  // NIST's examples, one and two blocks, and an id that is no ASCII.
  test.each([
    ["abc", 0xba7816bf],
    ["", 0xe3b0c442],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 0x248d6a61],
  ])("of %j begin as published", (text, start) => {
    expect(digestStart(text)).toBe(start);
  });
});

describe("a header", () => {
  test.each([
    ["what is no header", "schema", "3"],
    ["one that is too long", "title", "x".repeat(1001)],
  ])("is refused: %s", (_what, name, text) => {
    const operation = { op: "SetHeader", name, text } as Operation;
    expect(planned({}, operation, () => "x1")).toEqual({ refused: "out-of-range", elements: [] });
  });

  test("is as long as on the server, whatever it is written in", () => {
    const text = "𝄞".repeat(1000);
    const operation: Operation = { op: "SetHeader", name: "title", text };
    expect(planned({}, operation, () => "x1")).toEqual({
      sets: [["meta", "title", text]],
      deletes: [],
    });
  });
});
