import { expect, test } from "vitest";
import * as Y from "yjs";
import { normalise, type Operation } from "../src/index.ts";
import { Replica } from "../src/replica.ts";

const COUNT = { op: "NumberMeasures" } as const;

/** Two replicas of three measures, and what lets them hear of each other. */
function two(first: number, second: number) {
  const made = [first, second].map((client) => {
    const score = new Replica({ changed: () => {}, updated: () => {}, historyChanged: () => {} });
    score.doc.clientID = client;
    return score;
  });
  const [one, other] = made as [Replica, Replica];
  one.doc.transact(() => {
    one.doc.getMap("parts").set("p1", { order: "a", name: "Soprano", staves: 1 });
    for (const [at, id] of ["m1", "m2", "m3"].entries()) {
      one.doc.getMap("measures").set(id, { order: `a${at}`, number: String(at + 1) });
    }
    one.doc.getMap("attr").set("time|m1|*|0/1", { beats: [4], unit: 4 });
  });
  const meet = () => {
    const told = made.map(({ doc }) => Y.encodeStateAsUpdate(doc));
    Y.applyUpdate(other.doc, told[0] ?? new Uint8Array());
    Y.applyUpdate(one.doc, told[1] ?? new Uint8Array());
  };
  meet();
  return { one, other, meet };
}

function numbers({ doc, facets }: Replica): string[] {
  const all = doc.getMap("measures");
  return normalise(facets).measures.map(({ id }) => (all.get(id) as { number: string }).number);
}

/** Puts a measure in and counts on. */
function insertion(after: string): Operation[] {
  return [{ op: "InsertMeasures", after }, COUNT];
}

test.each([
  [1, 2],
  [2, 1],
])(
  "SDK-16 undo of what somebody else wrote over at once loses nothing (clients %i and %i)",
  (a, b) => {
    const { one, other, meet } = two(a, b);
    one.edit(insertion("m1"));
    other.edit(insertion("m1"));
    meet();
    expect(numbers(one)).toHaveLength(5);
    one.undo();
    meet();
    expect(numbers(one)).toHaveLength(4);
    other.undo();
    meet();
    expect(numbers(one)).toHaveLength(3);
    expect(numbers(other)).toEqual(numbers(one));
    one.redo();
    other.redo();
    meet();
    expect(numbers(one)).toHaveLength(5);
    one.undo();
    other.undo();
    meet();
    expect(numbers(one)).toHaveLength(3);
    one.edit([COUNT]);
    expect(numbers(one)).toEqual(["1", "2", "3"]);
  },
);
