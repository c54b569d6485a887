import { expect, test } from "vitest";
import { subjectOf } from "../src/session/token.ts";

/** A token as servers issue them, with claims in base64url. */
function token(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part(claims)}.c2lnbmF0dXJl`;
}

test("copies on a device are those of whoever the token names", () => {
  expect(subjectOf(token({ sub: "clara", exp: 1 }))).toBe("clara");
  expect(subjectOf(token({ sub: "克拉拉>?", exp: 2 }))).toBe("克拉拉>?");
  expect(subjectOf("")).toBe("");
  for (const nobody of ["opaque", "a.b.c", token({}), token({ sub: 7 })]) {
    expect(subjectOf(nobody)).toBeNull();
  }
});
