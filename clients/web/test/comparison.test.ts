import { expect, test } from "vitest";
import { countsOf, differencesIn, idsOf } from "../src/session/comparison.ts";

// As `docs/versions.md` and the server have it.
const ANSWER = {
  entries: [],
  measures: [
    {
      measure: "m1",
      number: "1",
      change: null,
      changes: [
        { change: "changed", element: "n1", kind: "note", old: "B4 quarter", new: "C5 quarter" },
        { change: "removed", element: "n2", kind: "note", old: "D5 half", new: null },
        { change: "eaten", element: "n3" },
      ],
    },
    {
      measure: "m2",
      number: "2",
      change: "added",
      changes: [{ change: "added", element: "n4", kind: "note", old: null, new: "E5 whole" }],
    },
  ],
  truncated: false,
};

test("what differs is read by measure, and known by element on the page", () => {
  const differences = differencesIn(ANSWER);
  expect(differences.measures.map(({ number, changes }) => [number, changes.length])).toEqual([
    ["1", 2],
    ["2", 1],
  ]);
  expect(countsOf(differences)).toEqual({ added: 1, removed: 1, changed: 1 });
  expect(idsOf(differences, "added")).toEqual(["m2", "n4"]);
  expect(idsOf(differences, "removed")).toEqual(["n2"]);
  expect(idsOf(differences, "changed")).toEqual(["n1"]);
  expect(differences.isCut).toBe(false);
});

test("an answer of another form is no difference", () => {
  for (const answer of [null, "no", {}, { measures: [null, 3] }]) {
    expect(differencesIn(answer).measures.flatMap((measure) => measure.changes)).toEqual([]);
  }
});
