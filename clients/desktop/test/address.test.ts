import { expect, test } from "vitest";
import { addressOf, linkTo, placeOf, serverOf } from "../src/address.ts";

const AIR = { server: "https://collab.example", room: "band/air" };

test.each([
  ["bandpro://collab.example/band/air", AIR],
  ["bandpro://collab.example/band%2Fair", AIR],
  ["https://collab.example/#/band%2Fair", AIR],
  ["bandpro://collab.example:8443/", { server: "https://collab.example:8443", room: "" }],
  ["bandpro://127.0.0.1:8080/a%20b", { server: "http://127.0.0.1:8080", room: "a b" }],
  ["http://localhost:8080/#/%E6%9B%B2", { server: "http://localhost:8080", room: "曲" }],
])("%s leads to a place", (text, place) => {
  expect(placeOf(text)).toEqual(place);
});

test.each([
  "bandpro:band/air",
  "bandpro:///band/air",
  "bandpro://ada:secret@collab.example/air",
  "bandpro://collab.example/air?token=secret",
  "bandpro://collab.example/air#x",
  "bandpro://collab.example/a//b",
  "bandpro://collab.example/a%2F..%2Fb",
  "bandpro://collab.example/a%00b",
  "bandpro://collab.example/%E0%A4%A",
  `bandpro://collab.example/${"a".repeat(256)}`,
  "http://collab.example/#/air",
  "https://collab.example/docs#/air",
  "https://collab.example/?next=evil#/air",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "air.musicxml",
  "",
])("%s leads nowhere", (text) => {
  expect(placeOf(text)).toBeNull();
});

test("places have an address and a link that lead back", () => {
  const place = { server: "http://127.0.0.1:8080", room: "band/曲 1?#%" };
  expect(placeOf(addressOf(place))).toEqual(place);
  expect(placeOf(linkTo(place))).toEqual(place);
});

test("a server is asked in the clear on this device alone", () => {
  expect(serverOf("https://collab.example")).toBe("https://collab.example");
  expect(serverOf("http://[::1]:8080/")).toBe("http://[::1]:8080");
  expect(serverOf("http://collab.example")).toBeNull();
  expect(serverOf("http://127.0.0.1.evil.example")).toBeNull();
});
