import { beforeEach, describe, expect, test } from "vitest";
import * as Y from "yjs";
import { reachOf, subtract } from "../src/saved/clock-ranges.ts";
import { SavedTracker } from "../src/saved/saved-tracker.ts";

describe("the reach of an update", () => {
  test("names inserted and deleted clocks by client", () => {
    const doc = new Y.Doc();
    doc.clientID = 7;
    const text = doc.getText("t");
    text.insert(0, "hello");
    text.delete(1, 2);
    const reach = reachOf(Y.encodeStateAsUpdate(doc));
    expect(reach.inserted).toEqual(new Map([[7, [[0, 5]]]]));
    expect(reach.deleted).toEqual(new Map([[7, [[1, 3]]]]));
  });

  test("what is taken from it leaves the spans between", () => {
    const left = subtract(
      new Map([
        [1, [[0, 10]]],
        [2, [[4, 6]]],
      ]),
      new Map([
        [
          1,
          [
            [2, 3],
            [5, 7],
          ],
        ],
        [2, [[0, 9]]],
      ]),
    );
    expect(left).toEqual(
      new Map([
        [
          1,
          [
            [0, 2],
            [3, 5],
            [7, 10],
          ],
        ],
      ]),
    );
  });
});

describe("the tracker of what is saved", () => {
  let doc: Y.Doc;
  let tracker: SavedTracker;
  let updates: Uint8Array[];

  beforeEach(() => {
    doc = new Y.Doc();
    tracker = new SavedTracker(doc.clientID);
    updates = [];
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === "remote") return;
      updates.push(update);
      tracker.recordLocal(update);
    });
  });

  function update(index: number): Uint8Array {
    const found = updates[index];
    if (found === undefined) throw new Error(`no update ${index}`);
    return found;
  }

  test("an edit is unsaved until exactly its bytes come back", () => {
    doc.getMap("m").set("a", 1);
    doc.getMap("m").set("b", 2);
    expect(tracker.unsavedCount).toBe(2);
    expect(tracker.acknowledge(update(1))).toBe(1);
    expect(tracker.unsavedCount).toBe(1);
    expect(tracker.acknowledge(update(0))).toBe(1);
    expect(tracker.unsavedCount).toBe(0);
  });

  test("one echo confirms one edit, and a second one nothing more", () => {
    doc.getMap("m").set("a", 1);
    tracker.acknowledge(update(0));
    expect(tracker.acknowledge(update(0))).toBe(0);
  });

  test("the relayed edit of somebody else confirms nothing", () => {
    const other = new Y.Doc();
    other.getMap("m").set("theirs", 1);
    doc.getMap("m").set("mine", 1);
    expect(tracker.acknowledge(Y.encodeStateAsUpdate(other))).toBe(0);
  });

  test("an update of somebody who has seen ours confirms nothing", () => {
    doc.getMap("m").set("mine", 1);
    const other = new Y.Doc();
    Y.applyUpdate(other, update(0));
    other.getMap("m").set("theirs", 1);
    // It holds our edit as well, but may have been relayed before it was written down.
    expect(tracker.acknowledge(Y.encodeStateAsUpdate(other))).toBe(0);
    expect(tracker.unsavedCount).toBe(1);
  });

  test("a server that repeats our edits in one update of its own making confirms all", () => {
    const server = new Y.Doc();
    doc.getText("t").insert(0, "abc");
    doc.getText("t").insert(3, "def");
    doc.getText("t").delete(1, 3);
    for (const one of updates) Y.applyUpdate(server, one);
    expect(tracker.acknowledge(Y.encodeStateAsUpdate(server))).toBe(3);
  });

  test("half of an edit that comes back does not confirm the whole", () => {
    doc.transact(() => {
      doc.getText("t").insert(0, "abc");
      doc.getText("u").insert(0, "def");
    });
    const half = new Y.Doc();
    half.clientID = doc.clientID;
    half.getText("t").insert(0, "abc");
    expect(tracker.acknowledge(Y.encodeStateAsUpdate(half))).toBe(0);
    expect(tracker.unsavedCount).toBe(1);
    expect(tracker.acknowledge(update(0))).toBe(1);
  });

  test("what is sent again as a whole is confirmed as a whole, foreign structs or not", () => {
    const other = new Y.Doc();
    other.getMap("m").set("theirs", 1);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other), "remote");
    doc.getMap("m").set("a", 1);
    doc.getMap("m").set("b", 1);
    const difference = Y.encodeStateAsUpdate(doc);
    tracker.recordSentWhole(difference);
    doc.getMap("m").set("later", 1);
    expect(tracker.acknowledge(difference)).toBe(2);
    expect(tracker.unsavedCount).toBe(1);
  });

  test("batches hold everything unsaved, each no larger than asked, and confirm it", () => {
    for (let index = 0; index < 20; index++) doc.getMap("m").set(`key${index}`, "x".repeat(50));
    const batches = tracker.takeBatches(400);
    expect(batches.length).toBeGreaterThan(2);
    for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(400);
    const server = new Y.Doc();
    for (const batch of batches) Y.applyUpdate(server, batch);
    expect(server.getMap("m").size).toBe(20);
    for (const batch of batches) tracker.acknowledge(batch);
    expect(tracker.unsavedCount).toBe(0);
  });

  test("an edit too large for any batch goes alone", () => {
    doc.getMap("m").set("large", "x".repeat(1000));
    doc.getMap("m").set("small", 1);
    expect(tracker.takeBatches(100)).toHaveLength(2);
  });

  test("after a lost connection edits stay unsaved, and a late echo of old batches is none", () => {
    const other = new Y.Doc();
    other.getMap("m").set("theirs", 1);
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(other), "remote");
    doc.getMap("m").set("a", 1);
    const difference = Y.encodeStateAsUpdate(doc);
    tracker.recordSentWhole(difference);
    tracker.connectionLost();
    expect(tracker.acknowledge(difference)).toBe(0);
    expect(tracker.unsavedCount).toBe(1);
  });

  test("deletions alone are confirmed by their echo", () => {
    doc.getMap("m").set("a", 1);
    tracker.acknowledge(update(0));
    doc.getMap("m").delete("a");
    expect(tracker.unsavedCount).toBe(1);
    expect(tracker.acknowledge(update(1))).toBe(1);
  });
});
