import { describe, expect, test } from "vitest";
import * as Y from "yjs";
import { BY_HAND, plainTextOf } from "../src/document/edits.ts";
import { inField, offsetInField, offsetInText } from "../src/document/line-endings.ts";
import { TextBinding, type TextField } from "../src/document/text-binding.ts";
import { caretAfter, spliceAfter, spliceBetween } from "../src/document/text-splice.ts";

describe("the splice between two texts", () => {
  test.each([
    ["abc", "abXc", 3, { index: 2, removed: 0, inserted: "X" }],
    ["abc", "ac", 1, { index: 1, removed: 1, inserted: "" }],
    ["abc", "aXYc", 3, { index: 1, removed: 1, inserted: "XY" }],
    ["", "new", 3, { index: 0, removed: 0, inserted: "new" }],
    ["old", "", 0, { index: 0, removed: 3, inserted: "" }],
    // "aa" out of "a": the caret tells which of the two is new.
    ["a", "aa", 1, { index: 0, removed: 0, inserted: "a" }],
    ["a", "aa", 2, { index: 1, removed: 0, inserted: "a" }],
    ["hello", "helo", 3, { index: 3, removed: 1, inserted: "" }],
  ])("%j to %j with the caret at %i", (before, after, caret, splice) => {
    expect(spliceBetween(before, after, caret)).toEqual(splice);
  });

  test("equal texts need none", () => {
    expect(spliceBetween("same", "same", 2)).toBeNull();
  });

  test("a surrogate pair is replaced whole", () => {
    // U+1D11E and U+1D11F share their first code unit, U+1D11E and U+1F51E their second.
    expect(spliceBetween("a\u{1d11e}b", "a\u{1d11f}b", 3)).toEqual({
      index: 1,
      removed: 2,
      inserted: "\u{1d11f}",
    });
    expect(spliceBetween("a\u{1d11e}b", "a\u{1f51e}b", 3)).toEqual({
      index: 1,
      removed: 2,
      inserted: "\u{1f51e}",
    });
  });

  test("applied to the first text it gives the second, whatever the caret", () => {
    const random = generator(1);
    for (let round = 0; round < 2000; round++) {
      const before = randomText(random);
      const after = randomText(random);
      const splice = spliceBetween(before, after, Math.floor(random() * (after.length + 1)));
      const result =
        splice === null
          ? before
          : before.slice(0, splice.index) +
            splice.inserted +
            before.slice(splice.index + splice.removed);
      expect(result).toBe(after);
    }
  });
});

describe("a caret under the changes of others", () => {
  test.each([
    [[{ retain: 2 }, { insert: "xx" }], 5, 7],
    [[{ retain: 2 }, { insert: "xx" }], 1, 1],
    [[{ retain: 2 }, { insert: "xx" }], 2, 2],
    [[{ retain: 1 }, { delete: 3 }], 5, 2],
    [[{ retain: 1 }, { delete: 3 }], 2, 1],
    [[{ delete: 9 }], 4, 0],
    [[{ insert: { image: 1 } }], 4, 5],
    [[{ delete: 1 }, { insert: "abc" }, { retain: 2 }, { delete: 1 }], 4, 5],
  ])("%j moves %i to %i", (delta, before, after) => {
    expect(caretAfter(delta, before)).toBe(after);
  });

  test("a splice shrinks by what others removed of its range", () => {
    expect(
      spliceAfter([{ retain: 3 }, { delete: 4 }], { index: 1, removed: 4, inserted: "x" }),
    ).toEqual({ index: 1, removed: 2, inserted: "x" });
  });
});

describe("line endings", () => {
  test("places are carried between a text and its text area", () => {
    const text = "a\r\nb\r\nc";
    expect(inField(text)).toBe("a\nb\nc");
    expect([0, 1, 2, 3, 4, 5].map((place) => offsetInText(text, place))).toEqual([
      0, 1, 3, 4, 6, 7,
    ]);
    expect([0, 1, 3, 4, 6, 7].map((place) => offsetInField(text, place))).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });
});

/** A text area's behaviour as far as the binding sees it. */
class Field implements TextField {
  selectionStart = 0;
  selectionEnd = 0;
  #value = "";

  get value(): string {
    return this.#value;
  }

  set value(value: string) {
    this.#value = inField(value);
    this.selectionStart = this.#value.length;
    this.selectionEnd = this.#value.length;
  }

  setSelectionRange(start: number, end: number): void {
    this.selectionStart = start;
    this.selectionEnd = end;
  }

  type(text: string): void {
    const end = this.selectionStart + text.length;
    const value =
      this.#value.slice(0, this.selectionStart) + text + this.#value.slice(this.selectionEnd);
    this.#value = value;
    this.setSelectionRange(end, end);
  }
}

describe("a text area bound to a shared text", () => {
  function open(content: string): {
    text: Y.Text;
    other: Y.Text;
    field: Field;
    binding: TextBinding;
    updates: Uint8Array[];
  } {
    const doc = new Y.Doc();
    const otherDoc = new Y.Doc();
    doc.getText("t").insert(0, content);
    Y.applyUpdate(otherDoc, Y.encodeStateAsUpdate(doc));
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === BY_HAND) updates.push(update);
      Y.applyUpdate(otherDoc, update, "peer");
    });
    otherDoc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "peer") Y.applyUpdate(doc, update, "peer");
    });
    const field = new Field();
    const binding = new TextBinding(doc.getText("t"), field);
    return { text: doc.getText("t"), other: otherDoc.getText("t"), field, binding, updates };
  }

  test("typing reaches the others as one small update", () => {
    const { other, field, binding, updates } = open("x".repeat(10_000));
    field.setSelectionRange(5000, 5000);
    field.type("new");
    binding.onInput();
    expect(other.toString()).toBe(`${"x".repeat(5000)}new${"x".repeat(5000)}`);
    expect(updates).toHaveLength(1);
    expect(updates[0]?.length).toBeLessThan(60);
  });

  test("what others write appears, and the caret stays on its letter", () => {
    const { other, field } = open("one two");
    field.setSelectionRange(4, 7);
    other.insert(0, ">> ");
    expect(field.value).toBe(">> one two");
    expect([field.selectionStart, field.selectionEnd]).toEqual([7, 10]);
  });

  test("what others write while an input method composes waits, and both survive", () => {
    const { text, other, field, binding } = open("ab");
    field.setSelectionRange(1, 1);
    binding.onCompositionStart();
    field.type("に");
    binding.onInput();
    other.insert(0, "__");
    expect(field.value).toBe("aにb");
    binding.onCompositionEnd();
    expect(text.toString()).toBe("__aにb");
    expect(field.value).toBe("__aにb");
    expect(field.selectionEnd).toBe(4);
    expect(other.toString()).toBe("__aにb");
  });

  test("typing after Windows line endings changes the right place", () => {
    const { other, field, binding } = open("a\r\nb\r\nc");
    field.setSelectionRange(3, 3);
    field.type("X");
    binding.onInput();
    expect(other.toString()).toBe("a\r\nbX\r\nc");
  });

  test("an embedded object keeps its place", () => {
    const { text, other, field, binding } = open("ab");
    text.insertEmbed(1, { image: "clef" });
    expect(plainTextOf(text)).toBe("a\uFFFCb");
    field.setSelectionRange(2, 2);
    field.type("X");
    binding.onInput();
    expect(other.toDelta()).toEqual([
      { insert: "a" },
      { insert: { image: "clef" } },
      { insert: "Xb" },
    ]);
  });

  test("two people at random end with the same text in field and document", () => {
    const { text, other, field, binding } = open("start");
    const random = generator(7);
    for (let round = 0; round < 500; round++) {
      if (random() < 0.5) {
        const from = Math.floor(random() * (field.value.length + 1));
        const to = Math.min(field.value.length, from + Math.floor(random() * 3));
        field.setSelectionRange(from, to);
        field.type(randomText(random).slice(0, 3));
        binding.onInput();
      } else if (other.length > 0 && random() < 0.4) {
        other.delete(Math.floor(random() * other.length), 1);
      } else {
        other.insert(Math.floor(random() * (other.length + 1)), "zy");
      }
      expect(field.value).toBe(text.toString());
    }
    expect(other.toString()).toBe(text.toString());
  });
});

/** A small generator of repeatable numbers from 0 up to 1 (a linear congruence). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function randomText(random: () => number): string {
  let text = "";
  for (let length = Math.floor(random() * 8); length > 0; length--) {
    text += "aab\n"[Math.floor(random() * 4)] ?? "";
  }
  return text;
}
