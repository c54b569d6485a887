import type { Score } from "bandpro-sdk";
import { expect, test } from "vitest";
import { setForAll, setKey } from "../src/editing/settings.ts";
import { begun } from "./tune.ts";

/** A violin, a trumpet in B flat and drums, each with what a template says of it. */
function band({ doc }: Score): void {
  const trumpet = { diatonic: -1, chromatic: -2 };
  doc.getMap("parts").set("t", { order: "b", name: "Trumpet", staves: 1, transposition: trumpet });
  doc.getMap("parts").set("d", { order: "c", name: "Drums", staves: 1 });
  const attr = doc.getMap("attr");
  attr.set("clef|m1|d|0/1", { sign: "percussion" });
  attr.delete("key|m1|*|0/1");
  attr.set("key|m1|p|0/1", { fifths: 0 });
  attr.set("key|m1|t|0/1", { fifths: 2 });
}

function settings({ doc }: Score, kind: string): Record<string, unknown> {
  const all = Object.entries(doc.getMap("attr").toJSON());
  return Object.fromEntries(all.filter(([key]) => key.startsWith(`${kind}|`)));
}

test("a key is for all, as each part reads it, over what a template said of single ones", () => {
  const { desk, score } = begun(band);
  const choose = (part: string, measure: string, fifths: number) => {
    const { index } = desk.desktop.get();
    const place = index.inMeasure(measure).find((each) => each.part === part);
    if (place) desk.edit(...setKey(index, place, fifths));
  };
  // D major, and E major for a trumpet in B flat.
  choose("p", "m1", 2);
  expect(settings(score, "key")).toEqual({
    "key|m1|p|0/1": { fifths: 2 },
    "key|m1|t|0/1": { fifths: 4 },
  });
  // F sharp major of six sharps is A flat major for a trumpet, not G sharp.
  choose("p", "m2", 6);
  expect(settings(score, "key")).toMatchObject({ "key|m2|t|0/1": { fifths: -4 } });
  // What the trumpet reads as C major sounds in B flat.
  choose("t", "m1", 0);
  expect(settings(score, "key")).toMatchObject({ "key|m1|p|0/1": { fifths: -2 } });
});

test("among parts that read the same a key and a metre are said once, for all", () => {
  const { desk, score } = begun(({ doc }) => {
    doc.getMap("attr").set("key|m1|p|0/1", { fifths: 0 });
    doc.getMap("attr").set("time|m1|p|0/1", { beats: [4], unit: 4 });
  });
  const { index, selected } = desk.desktop.get();
  if (selected[0]) desk.edit(...setKey(index, selected[0], 3));
  desk.edit(...setForAll(index, "time", "m1", { beats: [3], unit: 4 }));
  expect(settings(score, "key")).toEqual({ "key|m1|*|0/1": { fifths: 3 } });
  expect(settings(score, "time")).toEqual({ "time|m1|*|0/1": { beats: [3], unit: 4 } });
});
