import { describe, expect, test } from "vitest";
import { Awareness, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { fallbackColor, inkOn, isColor, PERSON_COLORS } from "../src/presence/colors.ts";
import { cleanName, initialsOf, peopleOf } from "../src/presence/people.ts";
import { stampedName } from "../src/presence/stamped-name.ts";

describe("who is here", () => {
  test("oneself first, the others by name, with what they selected", () => {
    const people = peopleOf(
      new Map<number, unknown>([
        [1, { user: { name: "Zoë", color: "#112233" }, selection: { id: "s1n1" } }],
        [2, { user: { name: "Ada", color: "#445566" }, focus: { row: "pt" } }],
        [3, { user: { name: "Mia", color: "#778899" } }],
      ]),
      3,
    );
    expect(people.map((person) => person.name)).toEqual(["Mia", "Ada", "Zoë"]);
    expect(people[2]).toMatchObject({ selectionId: "s1n1", rowId: null, self: false });
    expect(people[1]).toMatchObject({ selectionId: null, rowId: "pt" });
  });

  test.each([[null], [7], ["text"]])("a state that is %j is nobody", (state) => {
    expect(peopleOf(new Map([[1, state]]), 9)).toEqual([]);
  });

  test("a colour that is none is replaced before it can reach a style", () => {
    const color = "red; background: url(x)";
    const [person] = peopleOf(new Map([[4, { user: { name: "x", color } }]]), 9);
    expect(person?.color).toBe(fallbackColor(4));
    expect(isColor("#12345g")).toBe(false);
    expect(isColor("#1234567")).toBe(false);
  });

  test("a name is stripped of control characters and cut", () => {
    expect(cleanName("  A\u0000da \u202e Lovelace\n")).toBe("A da Lovelace");
    expect(cleanName("x".repeat(500))).toHaveLength(40);
    expect(cleanName("\u200b \t")).toBeNull();
    expect(cleanName(5)).toBeNull();
  });

  test("an absurdly long selection is ignored", () => {
    const state = { user: { name: "x" }, selection: { id: "y".repeat(600) } };
    expect(peopleOf(new Map([[1, state]]), 9)[0]?.selectionId).toBeNull();
  });

  test("initials come from the first and the last word", () => {
    expect(initialsOf("Johann Sebastian Bach")).toBe("JB");
    expect(initialsOf("ada")).toBe("A");
    expect(initialsOf("𝄞 clef")).toBe("𝄞C");
  });

  test("letters on every colour have a contrast of at least 4.5 to 1", () => {
    const channel = (hex: string): number => {
      const value = Number.parseInt(hex, 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    const luminance = (color: string): number =>
      0.2126 * channel(color.slice(1, 3)) +
      0.7152 * channel(color.slice(3, 5)) +
      0.0722 * channel(color.slice(5, 7));
    for (const color of PERSON_COLORS) {
      const [dark, light] = [luminance(color), luminance(inkOn(color))].sort((a, b) => a - b);
      expect((Number(light) + 0.05) / (Number(dark) + 0.05), color).toBeGreaterThanOrEqual(4.5);
    }
  });
});

describe("a name that the server puts in place", () => {
  function echo(name: string): { update: Uint8Array; client: number; clock: number } {
    const awareness = new Awareness(new Y.Doc());
    awareness.setLocalState({ user: { name } });
    const client = awareness.clientID;
    const clock = awareness.meta.get(client)?.clock ?? -1;
    const update = encodeAwarenessUpdate(awareness, [client]);
    awareness.destroy();
    return { update, client, clock };
  }

  test("is read from the echo of one's own state", () => {
    const { update, client, clock } = echo("Ada Lovelace");
    expect(stampedName(update, client, clock, "Guest")).toBe("Ada Lovelace");
  });

  test("is none when the server left the name alone", () => {
    const { update, client, clock } = echo("Guest");
    expect(stampedName(update, client, clock, "Guest")).toBeNull();
  });

  test("is not taken from a late echo, nor from somebody else's state", () => {
    const { update, client, clock } = echo("Old name");
    expect(stampedName(update, client, clock + 1, "New name")).toBeNull();
    expect(stampedName(update, client + 1, clock, "New name")).toBeNull();
  });
});
