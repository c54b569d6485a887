/** Anything that JSON can say. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type JsonCheck = { ok: true; value: Json } | { ok: false; reason: string };

/** Reads JSON typed by a person; the reason of a refusal is a sentence to show. */
export function parseJson(text: string): JsonCheck {
  if (text.trim() === "") return { ok: false, reason: "Type a JSON value." };
  try {
    const value: Json = JSON.parse(text);
    return { ok: true, value };
  } catch (error) {
    if (/^\s*[\p{L}_][\p{L}\p{N} _-]*\s*$/u.test(text)) {
      return { ok: false, reason: `A text needs quotes: ${JSON.stringify(text.trim())}` };
    }
    return { ok: false, reason: `Not JSON${placeOf(error, text)}.` };
  }
}

/** A value on one line, cut off after about `most` characters; never renders more than it shows. */
export function previewOf(value: unknown, most = 160): string {
  const text = shorten(value, most, 0);
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** A value as a person edits it: small ones on one line, larger ones indented. */
export function editableText(value: unknown): string {
  const line = JSON.stringify(value) ?? "null";
  return line.length <= 60 ? line : JSON.stringify(value, null, 2);
}

/** True for an object whose members can be listed, and not bytes, a date or a shared type. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function shorten(value: unknown, most: number, depth: number): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > most ? value.slice(0, most) : value);
  }
  if (value === undefined) return "undefined";
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) {
    return `[${joined(value, most, depth, (item) => shorten(item, most, depth + 1))}]`;
  }
  if (isPlainObject(value)) {
    const inner = joined(Object.keys(value), most, depth, (key) => {
      return `${key}: ${shorten(value[key], most, depth + 1)}`;
    });
    return inner === "" ? "{}" : `{ ${inner} }`;
  }
  return String(value);
}

function joined<T>(items: readonly T[], most: number, depth: number, say: (item: T) => string) {
  if (items.length > 0 && depth > 6) return "…";
  let text = "";
  for (const item of items) {
    if (text.length > most) return `${text}, …`;
    text += text === "" ? say(item) : `, ${say(item)}`;
  }
  return text;
}

/** Engines name the place as "position 12" or "line 1 column 13"; both become line and column. */
function placeOf(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : "";
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) {
    return /end of (JSON|data)/i.test(message) ? ": it ends too early" : "";
  }
  const before = text.slice(0, Number(position)).split("\n");
  const column = (before.at(-1)?.length ?? 0) + 1;
  return before.length === 1
    ? ` at character ${column}`
    : ` at line ${before.length}, character ${column}`;
}
