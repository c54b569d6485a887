import { describe, expect, test } from "vitest";
import { type Facets, normalise, timeText, toNumber } from "../src/index.ts";
import { compareText } from "../src/sorting.ts";

function score(notes: Record<string, unknown>): Facets {
  return {
    parts: { p: { order: "a", name: "P", staves: 1 } },
    measures: { m: { order: "a", number: "1", length: [4, 1] } },
    ev: notes,
    pt: Object.fromEntries(Object.keys(notes).map((id) => [id, { step: "C", octave: 4 }])),
  };
}

function note(onset: unknown, duration: unknown): unknown {
  return { part: "p", measure: "m", kind: "note", onset, duration, voice: 1, staff: 1 };
}

function items(facets: Facets): string[] {
  const voices = normalise(facets).measures[0]?.cells[0]?.voices ?? [];
  return voices.flatMap((voice) =>
    voice.items.map((item) => {
      const ids = item.kind === "chord" || item.kind === "grace" ? item.ids.join(" ") : item.kind;
      return `${voice.number}: ${ids} ${timeText(item.onset)}`;
    }),
  );
}

describe("times", () => {
  test("are exact where numbers of 53 bits are not", () => {
    const top = Number.MAX_SAFE_INTEGER;
    // 1/(2^53 - 1) + 1/(2^53 - 3), which no double holds.
    const facets = score({ a: note([1, top], [1, top - 2]) });
    const sum = `${BigInt(top) + BigInt(top - 2)}/${BigInt(top) * BigInt(top - 2)}`;
    expect(items(facets)).toEqual(["1: gap 0/1", `1: a 1/${top}`, `1: gap ${sum}`]);
  });

  test("may be whole floats and BigInts, and nothing else", () => {
    expect(items(score({ a: note([2n, 1n], [-0, 1]), b: note([1.0, 2], [1, 2]) }))).toEqual([
      "1: gap 0/1",
      "1: b 1/2",
      "1: gap 1/1",
      "1: a 2/1",
      "1: gap 2/1",
    ]);
    for (const broken of [[Number.NaN, 1], [1, 0], [0.5, 1], ["1", 1], [1], 7, null]) {
      expect(normalise(score({ a: note(broken, [1, 1]) })).unreadable).toEqual([["ev", "a"]]);
    }
  });

  test("become numbers for drawing", () => {
    expect(toNumber({ numerator: 3n, denominator: 2n })).toBe(1.5);
  });
});

describe("documents", () => {
  test("may be maps of maps, and hold any key", () => {
    const plain = score({ a: note([0, 1], [4, 1]) });
    const maps = Object.fromEntries(
      Object.entries(plain).map(([name, entries]) => [
        name,
        new Map(Object.entries(entries as object)),
      ]),
    );
    maps["ev"]?.set("__proto__", note([0, 1], [4, 1]));
    maps["pt"]?.set("__proto__", { step: "C", octave: 4 });
    expect(items(maps)).toEqual(["1: __proto__ a 0/1"]);
  });

  test("that are no scores have empty views", () => {
    for (const broken of [{}, { ev: 3, measures: [], parts: null }, { sp: new Uint8Array(3) }]) {
      expect(normalise(broken).measures).toEqual([]);
    }
  });
});

test("texts are ordered by code points", () => {
  const texts = ["\u{1d11e}", "\uff21", "a", "", "aa", "Z", "\ud7ff"];
  expect(texts.sort(compareText)).toEqual(["", "Z", "a", "aa", "\ud7ff", "\uff21", "\u{1d11e}"]);
});
