import type { Facets } from "bandpro-score";
import { type Fields, isFields, textIn } from "../fields.ts";

export type Onset = readonly [numerator: number, denominator: number];

export interface Message {
  readonly id: string;
  /** Subject of the token under which it was written; empty once erased. */
  readonly author: string;
  readonly name: string | null;
  /** Plain text; empty once deleted. */
  readonly text: string;
  readonly mentions: readonly string[];
  readonly atMs: number;
  readonly editedMs: number | null;
  readonly isDeleted: boolean;
}

/** A thread of comments, and where it stands now. */
export interface Thread {
  readonly id: string;
  /** `attached` to what it is about, `detached` because that is gone, or about the `whole` score. */
  readonly anchor: "whole" | "attached" | "detached";
  readonly element: string | null;
  readonly part: string | null;
  readonly measure: string | null;
  readonly onset: Onset | null;
  readonly resolved: {
    readonly by: string;
    readonly name: string | null;
    readonly atMs: number;
  } | null;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

type Entries = Iterable<[string, unknown]>;
type Where = Pick<Thread, "part" | "measure" | "onset">;

const NOWHERE: Where = { part: null, measure: null, onset: null };
const START: Onset = [0, 1];

/** The maps of a document of comments. */
export interface CommentMaps {
  readonly threads: Entries;
  readonly messages: Entries;
  readonly resolved: Entries;
}

/** All threads, oldest first, as the document of comments and the score's facets say. */
export function threadsIn(maps: CommentMaps, facets: Facets): readonly Thread[] {
  const resolved = new Map(maps.resolved);
  const messages = new Map<string, Message[]>();
  for (const [id, value] of maps.messages) {
    if (!isFields(value)) continue;
    const thread = textIn(value, "thread");
    const before = messages.get(thread);
    if (before === undefined) messages.set(thread, [messageOf(id, value)]);
    else before.push(messageOf(id, value));
  }
  const found: { readonly atMs: number; readonly thread: Thread }[] = [];
  for (const [id, value] of maps.threads) {
    if (!isFields(value)) continue;
    const told = (messages.get(id) ?? []).sort((a, b) => inOrder(a.atMs, a.id, b.atMs, b.id));
    const thread: Thread = {
      id,
      ...placeOf(isFields(value["anchor"]) ? value["anchor"] : {}, facets),
      resolved: resolutionOf(resolved.get(id)),
      messages: told,
    };
    found.push({ atMs: numberIn(value, "at_ms"), thread });
  }
  return found
    .sort((a, b) => inOrder(a.atMs, a.thread.id, b.atMs, b.thread.id))
    .map(({ thread }) => thread);
}

/** Where a thread stands now: the rules are those of `docs/comments.md`. */
export function placeOf(
  anchor: Fields,
  facets: Facets,
): Pick<Thread, "anchor" | "element" | "part" | "measure" | "onset"> {
  const [element, part, measure] = ["element", "part", "measure"].map(
    (name) => textIn(anchor, name) || null,
  ) as [string | null, string | null, string | null];
  if (element === null && part === null && measure === null) {
    return { anchor: "whole", element, ...NOWHERE };
  }
  const found = element === null ? null : elementIn(facets, element);
  if (found !== null) return { anchor: "attached", element, ...found };
  const thePart = part !== null && isThere(facets, "parts", part) ? part : null;
  if (measure === null || !isThere(facets, "measures", measure)) {
    return { anchor: "detached", element, ...NOWHERE, part: thePart };
  }
  const state = element === null ? "attached" : "detached";
  return { anchor: state, element, part: thePart, measure, onset: onsetOf(anchor["onset"]) };
}

/** Where an element stands; null when it, or its measure, is gone. */
function elementIn(facets: Facets, element: string): Where | null {
  const spanner = entry(facets, "sp", element);
  if (spanner === null) return ownerIn(facets, element);
  return ownerIn(facets, textIn(spanner, "start"));
}

function ownerIn(facets: Facets, element: string): Where | null {
  const held = entry(facets, "ev", element) ?? entry(facets, "dir", element);
  if (held !== null) {
    const measure = textIn(held, "measure");
    if (!isThere(facets, "measures", measure)) return null;
    const part = textIn(held, "part");
    const isKnown = isThere(facets, "parts", part);
    return { part: isKnown ? part : null, measure, onset: onsetOf(held["onset"]) ?? START };
  }
  if (isThere(facets, "measures", element)) return { ...NOWHERE, measure: element, onset: START };
  if (isThere(facets, "parts", element)) return { ...NOWHERE, part: element };
  return null;
}

function isThere(facets: Facets, facet: string, id: string): boolean {
  const found = entry(facets, facet, id);
  return found !== null && found["deleted"] !== true;
}

function entry(facets: Facets, facet: string, key: string): Fields | null {
  const map = facets[facet] as { get?(key: string): unknown } | undefined;
  const value = map?.get?.(key);
  return isFields(value) ? value : null;
}

function messageOf(id: string, value: Fields): Message {
  const mentions = value["mentions"];
  return {
    id,
    author: textIn(value, "author"),
    name: textIn(value, "name") || null,
    text: textIn(value, "text"),
    mentions: Array.isArray(mentions) ? mentions.map(String) : [],
    atMs: numberIn(value, "at_ms"),
    editedMs: value["edited_ms"] == null ? null : numberIn(value, "edited_ms"),
    isDeleted: value["deleted_ms"] != null,
  };
}

function resolutionOf(value: unknown): Thread["resolved"] {
  if (!isFields(value)) return null;
  const name = textIn(value, "name") || null;
  return { by: textIn(value, "by"), name, atMs: numberIn(value, "at_ms") };
}

function onsetOf(value: unknown): Onset | null {
  if (!Array.isArray(value) || value.length !== 2) return null;
  return [Number(value[0]), Number(value[1])];
}

function inOrder(oneMs: number, one: string, otherMs: number, other: string): number {
  return oneMs - otherMs || (one < other ? -1 : one > other ? 1 : 0);
}

function numberIn(value: Fields, name: string): number {
  return Number(value[name] ?? 0);
}
