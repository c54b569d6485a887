import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { ChangeLog, logEntryOf } from "../src/document/change-log.ts";
import {
  abilitiesAt,
  addEntry,
  appendItem,
  createRoot,
  removeAt,
  setValue,
} from "../src/document/edits.ts";
import { editableText, parseJson, previewOf } from "../src/document/json-value.ts";
import { pathOfType, resolve } from "../src/document/nodes.ts";
import { defineRootTypes } from "../src/document/root-types.ts";
import { compareKeys, SortedKeys } from "../src/document/sorted-keys.ts";
import { bytesInWords, measure } from "../src/document/statistics.ts";
import { filteredRows, rootsOf, rowsOf } from "../src/document/tree-rows.ts";

/** A document as it arrives: its top-level types are bare, whatever they were made as. */
function received(make: (doc: Y.Doc) => void): Y.Doc {
  const source = new Y.Doc();
  source.transact(() => make(source));
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(source));
  return doc;
}

describe("the kind of a top-level type that was received", () => {
  test.each([
    ["map", (doc: Y.Doc) => doc.getMap("r").set("k", 1), Y.Map],
    ["text", (doc: Y.Doc) => doc.getText("r").insert(0, "words"), Y.Text],
    ["text of embeds", (doc: Y.Doc) => doc.getText("r").insertEmbed(0, { a: 1 }), Y.Text],
    ["array", (doc: Y.Doc) => doc.getArray("r").push([1]), Y.Array],
    ["array of maps", (doc: Y.Doc) => doc.getArray("r").push([new Y.Map()]), Y.Array],
    ["xml", (doc: Y.Doc) => doc.getXmlFragment("r").push([new Y.XmlElement("p")]), Y.XmlFragment],
  ])("%s is told by its content", (_name, make, kind) => {
    const doc = received(make);
    expect(doc.share.get("r")?.constructor).toBe(Y.AbstractType);
    expect(defineRootTypes(doc)).toBe(true);
    expect(doc.share.get("r")).toBeInstanceOf(kind);
    expect(defineRootTypes(doc)).toBe(false);
  });

  test("asking for the kind changes nothing in the document", () => {
    const doc = received((source) => {
      source.getMap("pt").set("n1", { step: "C" });
      source.getText("t").insert(0, "a");
      source.getText("t").delete(0, 1);
    });
    const before = Y.encodeStateAsUpdate(doc);
    let updates = 0;
    doc.on("update", () => updates++);
    defineRootTypes(doc);
    expect(updates).toBe(0);
    expect(Y.encodeStateAsUpdate(doc)).toEqual(before);
  });

  test("a sequence whose content is all deleted is left alone until it tells more", () => {
    const source = new Y.Doc();
    source.getText("r").insert(0, "gone");
    source.getText("r").delete(0, 4);
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(source));
    expect(defineRootTypes(doc)).toBe(false);
    source.getText("r").insert(0, "back");
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(source));
    expect(defineRootTypes(doc)).toBe(true);
    expect(doc.getText("r").toString()).toBe("back");
  });
});

describe("keys in order", () => {
  test("numbers within keys count as numbers", () => {
    expect(["n10", "n9", "s2n10", "s2n9", "a", "n009"].sort(compareKeys)).toEqual([
      "a",
      "n009",
      "n9",
      "n10",
      "s2n9",
      "s2n10",
    ]);
  });

  test("follow additions and deletions exactly as sorting anew would", () => {
    const map = new Y.Doc().getMap<unknown>("m");
    for (let index = 0; index < 300; index++) map.set(`n${(index * 7) % 300}`, index);
    const keys = new SortedKeys();
    keys.of(map);
    for (let index = 0; index < 300; index++) {
      const touched = new Set([`n${(index * 11) % 400}`, `x${index % 5}`]);
      for (const key of touched) {
        if (map.has(key)) map.delete(key);
        else map.set(key, true);
      }
      keys.changed(map, touched);
      expect(keys.of(map)).toEqual(Array.from(map.keys()).sort(compareKeys));
    }
  });
});

describe("the rows of the tree", () => {
  const doc = new Y.Doc();
  doc.transact(() => {
    const pitches = doc.getMap("pt");
    pitches.set("n2", { step: "D" });
    pitches.set("n10", { step: "C" });
    doc.getText("text").insert(0, "Some words");
    const nested = new Y.Map();
    doc.getMap("outer").set("inner", nested);
    nested.set("deep", [1, { a: true }]);
  });
  const roots = rootsOf(doc, compareKeys);
  const labels = (rows: ReadonlyArray<{ depth: number; label: string }>): string[] =>
    rows.map((row) => `${" ".repeat(row.depth)}${row.label}`);

  test("only what is unfolded is listed, in order", () => {
    const keys = new SortedKeys();
    expect(labels(rowsOf(roots, new Set(), keys))).toEqual(["outer", "pt", "text"]);
    const open = new Set(["pt", "outer", "outer\u0000inner", "outer\u0000inner\u0000deep"]);
    expect(labels(rowsOf(roots, open, keys))).toEqual([
      "outer",
      " inner",
      "  deep",
      "   0",
      "   1",
      "pt",
      " n2",
      " n10",
      "text",
    ]);
  });

  test("a filter keeps what holds every word, below its ancestors", () => {
    const keys = new SortedKeys();
    expect(labels(filteredRows(roots, "step c", keys))).toEqual(["pt", " n10"]);
    expect(labels(filteredRows(roots, "WORDS", keys))).toEqual(["text"]);
    expect(labels(filteredRows(roots, "inner", keys))).toEqual(["outer", " inner", "  deep"]);
    expect(filteredRows(roots, "nowhere", keys)).toEqual([]);
    expect(filteredRows(roots, "n10", keys)[0]?.matches).toBe(1);
  });

  test("a name that was only asked for has no row", () => {
    const asked = new Y.Doc();
    asked.get("nothing");
    expect(rootsOf(asked, compareKeys)).toEqual([]);
  });
});

describe("edits by hand", () => {
  function sample(): Y.Doc {
    const doc = new Y.Doc();
    doc.getMap("m").set("k", { a: 1 });
    doc.getArray("list").push([1, 2, 3]);
    return doc;
  }

  test("a value of a map or an item of an array is replaced whole", () => {
    const doc = sample();
    expect(setValue(doc, ["m", "k"], { b: 2 })).toBe(true);
    expect(setValue(doc, ["list", "1"], "two")).toBe(true);
    expect(doc.getMap("m").toJSON()).toEqual({ k: { b: 2 } });
    expect(doc.getArray("list").toJSON()).toEqual([1, "two", 3]);
  });

  test("an equal value makes no update", () => {
    const doc = sample();
    let updates = 0;
    doc.on("update", () => updates++);
    expect(setValue(doc, ["m", "k"], { a: 1 })).toBe(true);
    expect(updates).toBe(0);
  });

  test("a key that is there is not added over", () => {
    const doc = sample();
    expect(addEntry(doc, ["m"], "k", 9)).toBe(false);
    expect(addEntry(doc, ["m"], "new", 9)).toBe(true);
    expect(appendItem(doc, ["list"], 4)).toBe(3);
  });

  test("what is gone meanwhile is neither set nor removed", () => {
    const doc = sample();
    expect(removeAt(doc, ["m", "k"])).toBe(true);
    expect(removeAt(doc, ["m", "k"])).toBe(false);
    expect(setValue(doc, ["nowhere", "k"], 1)).toBe(false);
    expect(setValue(doc, ["list", "99"], 1)).toBe(false);
  });

  test("JSON inside a value is changed at its entry, not by itself", () => {
    const doc = sample();
    expect(abilitiesAt(doc, ["m", "k"]).setValue).toBe(true);
    expect(abilitiesAt(doc, ["m", "k", "a"]).setValue).toBe(false);
    expect(abilitiesAt(doc, ["m"])).toEqual({
      setValue: false,
      remove: false,
      addEntry: "map",
      editText: false,
    });
  });

  test("a new top-level type arrives elsewhere as what it is", () => {
    const doc = new Y.Doc();
    createRoot(doc, "text", "t");
    createRoot(doc, "map", "m");
    createRoot(doc, "array", "a");
    const other = new Y.Doc();
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
    defineRootTypes(other);
    expect(other.share.get("t")).toBeInstanceOf(Y.Text);
    expect(other.share.get("m")).toBeInstanceOf(Y.Map);
    expect(other.share.get("a")).toBeInstanceOf(Y.Array);
  });
});

describe("JSON in words", () => {
  test("a word without quotes is told what it lacks", () => {
    expect(parseJson("soprano")).toEqual({
      ok: false,
      reason: 'A text needs quotes: "soprano"',
    });
  });

  test("the place of an error is told", () => {
    const check = parseJson('{\n  "a": 1,\n}');
    expect(check.ok === false && check.reason).toContain("line 3, character 1");
  });

  test.each([
    ["null", null],
    ["[1, 2]", [1, 2]],
    ['"x"', "x"],
  ])("%s is read", (text, value) => {
    expect(parseJson(text)).toEqual({ ok: true, value });
  });

  test("a preview is one line of bounded length", () => {
    expect(previewOf({ step: "C", octave: 4 })).toBe('{ step: "C", octave: 4 }');
    expect(previewOf(new Uint8Array(3))).toBe("3 bytes");
    expect(previewOf("x".repeat(10_000)).length).toBeLessThanOrEqual(160);
    expect(previewOf(Array.from({ length: 10_000 }, () => 1)).length).toBeLessThanOrEqual(160);
  });

  test("a large value is edited over several lines", () => {
    expect(editableText({ a: 1 })).toBe('{"a":1}');
    expect(editableText({ text: "x".repeat(80) })).toContain("\n");
  });
});

describe("the account of an update", () => {
  test("names types, keys, authors and size", () => {
    const doc = new Y.Doc();
    doc.clientID = 5;
    const seen: unknown[] = [];
    doc.on("update", (update: Uint8Array, _origin, _doc, transaction: Y.Transaction) => {
      seen.push(logEntryOf(transaction, update, true, 1, 1000));
    });
    doc.transact(() => {
      for (let index = 0; index < 6; index++) doc.getMap("ev").set(`n${index}`, index);
      doc.getText("t").insert(0, "x");
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      clients: [5],
      deletesOnly: false,
      types: [
        { path: ["ev"], keys: ["n0", "n1", "n2", "n3"], more: 2 },
        { path: ["t"], keys: [], more: 0 },
      ],
    });
  });

  test("a deletion has no author to tell", () => {
    const doc = new Y.Doc();
    doc.getMap("m").set("k", 1);
    let clients: readonly number[] = [1];
    doc.on("update", (update: Uint8Array, _origin, _doc, transaction: Y.Transaction) => {
      clients = logEntryOf(transaction, update, false, 1, 0).clients;
    });
    doc.getMap("m").delete("k");
    expect(clients).toEqual([]);
  });

  test("the list keeps the newest and no more than it may", () => {
    const entry = (sequence: number) => ({
      sequence,
      atMs: 0,
      bytes: 1,
      local: false,
      clients: [],
      deletesOnly: false,
      types: [],
      moreTypes: 0,
    });
    const log = new ChangeLog(3);
    log.add([entry(1), entry(2)]);
    log.add([entry(3), entry(4)]);
    expect(log.entries.map((one) => one.sequence)).toEqual([4, 3, 2]);
  });
});

describe("places in the document", () => {
  test("a nested type is found by its path and its path by it", () => {
    const doc = new Y.Doc();
    const inner = new Y.Map();
    doc.getArray("list").push(["a", inner]);
    const text = new Y.Text("x");
    inner.set("t", text);
    expect(pathOfType(doc, text)).toEqual(["list", "1", "t"]);
    expect(resolve(doc, ["list", "1", "t"])).toBe(text);
    expect(resolve(doc, ["list", "7", "t"])).toBeUndefined();
  });

  test("a type that got its kind is still found by what it was before", () => {
    const doc = received((source) => source.getMap("m").set("k", 1));
    const bare = doc.share.get("m");
    defineRootTypes(doc);
    expect(bare === undefined ? null : pathOfType(doc, bare)).toEqual(["m"]);
  });
});

describe("figures", () => {
  test("count what the document holds", () => {
    const doc = new Y.Doc();
    doc.getMap("m").set("a", 1);
    doc.getMap("m").set("b", 1);
    const figures = measure(doc, compareKeys, () => 0);
    expect(figures.clients).toBe(1);
    expect(figures.pending).toBe(false);
    expect(figures.roots).toEqual([{ name: "m", kind: "Map", size: 2 }]);
    expect(figures.stateBytes).toBe(Y.encodeStateAsUpdate(doc).length);
  });

  test("an update that lacks what it builds on shows as pending", () => {
    const source = new Y.Doc();
    source.getText("t").insert(0, "a");
    const before = Y.encodeStateVector(source);
    source.getText("t").insert(1, "b");
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(source, before));
    expect(measure(doc, compareKeys, () => 0).pending).toBe(true);
  });

  test.each([
    [999, "999 B"],
    [1234, "1.2 kB"],
    [32_475, "32 kB"],
    [1_570_000, "1.57 MB"],
  ])("%i bytes read %s", (bytes, words) => {
    expect(bytesInWords(bytes)).toBe(words);
  });
});
