import { describe, expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { type Facets, Normaliser, normalise, timeText, toNumber, viewJson } from "../src/index.ts";
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

describe("views of a score that changes", () => {
  const keys = (facet: string, ...changed: string[]) => new Map([[facet, new Set(changed)]]);

  /** The same numbers for the same seed. */
  function lot(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  test("are those of the score as it is, whatever was set or deleted", () => {
    for (const [seed, { facets }] of cases.slice(0, 20).entries()) {
      const draw = lot(seed + 1);
      const others = cases[draw(cases.length)]?.facets as Record<string, object>;
      const maps = Object.fromEntries(
        Object.entries(facets).map(([name, all]) => [name, new Map(Object.entries(all))]),
      );
      const names = Object.keys(maps);
      const shown = new Normaliser(maps);
      for (let step = 0; step < 25; step += 1) {
        const [now, anew] = [shown.view(), normalise(maps)].map((view) =>
          JSON.stringify(viewJson(view)),
        );
        expect(now).toBe(anew);
        const name = names[draw(names.length)] ?? "";
        const other = Object.entries(others[name] ?? {});
        const all = [...(maps[name]?.keys() ?? []), ...other.map(([key]) => key)];
        const values = [...(maps[name]?.values() ?? []), ...other.map(([, value]) => value), 3];
        const key = all[draw(all.length)] ?? "x";
        if (draw(3) === 0) maps[name]?.delete(key);
        else maps[name]?.set(key, values[draw(values.length)] as never);
        shown.change(keys(name, key));
      }
    }
  });

  test("have another object for the measures alone in which something changed", () => {
    const facets = {
      parts: { p: { order: "a", name: "P", staves: 1 } },
      measures: { m: { order: "a", length: [4, 1] }, n: { order: "b" }, o: { order: "c" } },
      ev: Object.fromEntries(
        ["m", "n", "o"].map((measure) => [
          `in-${measure}`,
          { ...(note([0, 1], [1, 1]) as object), measure },
        ]),
      ),
      pt: Object.fromEntries(
        ["m", "n", "o"].map((measure) => [`in-${measure}`, { step: "C", octave: 4 }]),
      ),
      sp: { tie: { kind: "tie", start: "in-m", end: "in-n" } },
      nx: {} as Record<string, unknown>,
    };
    const shown = new Normaliser(facets);
    let before = shown.view();
    const changedIn = (facet: string, key: string): string[] => {
      shown.change(keys(facet, key));
      const after = shown.view();
      const found = after.measures.filter((measure, at) => measure !== before.measures[at]);
      before = after;
      return found.map((measure) => measure.id);
    };
    facets.nx["in-o"] = { fermata: "upright" };
    expect(changedIn("nx", "in-o")).toEqual(["o"]);
    // The tie is hidden, which is seen at both of its ends.
    facets.pt["in-n"] = { step: "D", octave: 4 };
    expect(changedIn("pt", "in-n")).toEqual(["m", "n"]);
    expect(before.hidden).toEqual([{ id: "tie", reason: "pitches-differ" }]);
    facets.sp.tie = { kind: "slur", start: "in-n", end: "in-o" };
    expect(changedIn("sp", "tie")).toEqual(["m", "n", "o"]);
    expect(changedIn("meta", "title")).toEqual([]);
  });
});
