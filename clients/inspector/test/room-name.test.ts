import { describe, expect, test } from "vitest";
import {
  checkRoomName,
  encodeRoomPath,
  hashOfRoom,
  roomOfLocation,
} from "../src/room/room-name.ts";

describe("a room name", () => {
  test.each([
    "demo/chorale",
    "a",
    "Bläserquintett № 3",
    "100% ? # &",
    "x".repeat(255),
    "é".repeat(127),
    "..a/.b",
  ])("%s is accepted", (name) => {
    expect(checkRoomName(name)).toEqual({ ok: true, name });
  });

  test.each([
    ["", "empty"],
    ["x".repeat(256), "over 255 bytes"],
    ["é".repeat(128), "over 255 bytes of UTF-8"],
    ["a//b", "an empty segment"],
    ["/a", "a slash in front"],
    ["a/", "a slash at the end"],
    ["a/../b", "two dots"],
    [".", "one dot"],
    ["a\u0000", "a control character"],
    ["a\u0085", "a control character beyond ASCII"],
    ["\ud800", "half a surrogate pair"],
  ])("%j is refused: %s", (name) => {
    expect(checkRoomName(name).ok).toBe(false);
  });
});

describe("the room in an address", () => {
  test("slashes stay, what would end the path is escaped", () => {
    expect(encodeRoomPath("a/b c?d#e%f")).toBe("a/b%20c%3Fd%23e%25f");
  });

  test.each(["demo/chorale", "100% ? # &", "Bläser/quintett", "a+b"])("%s survives", (name) => {
    expect(roomOfLocation({ hash: hashOfRoom(name), search: "" })).toBe(name);
  });

  test("the hash goes before the query, and the query counts without a hash", () => {
    expect(roomOfLocation({ hash: "#/one", search: "?room=two" })).toBe("one");
    expect(roomOfLocation({ hash: "", search: "?room=two%2Fthree" })).toBe("two/three");
    expect(roomOfLocation({ hash: "#elsewhere", search: "" })).toBeNull();
  });

  test("a broken escape is read as it stands", () => {
    expect(roomOfLocation({ hash: "#/50%", search: "" })).toBe("50%");
  });
});
