import type { Picture } from "./answers.ts";
import { LAG_BAD_MS, spanInWords, type Tone } from "./words.ts";

/** The whole in figures, and what is wrong with it in sentences. */
export interface Condition {
  tone: Tone;
  /** One sentence; the same for as long as nothing has changed for the better or worse. */
  headline: string;
  problems: readonly string[];
  serving: number;
  /** Those that live, and those that died. */
  nodes: number;
  rooms: number;
  sessions: number;
}

/** Looks at the others longer ago than this are told as old. */
export const OLD_MS = 3000;

const NAMED_MAX = 4;

export function conditionOf(picture: Picture): Condition {
  const { nodes, gone } = picture;
  const silent = nodes.filter((node) => node.state === "silent").map(({ node }) => node);
  const dead = gone.filter((node) => !node.has_left).map(({ node }) => node);
  const ill = nodes.filter((node) => node.store_problem !== null).map(({ node }) => node);
  const down = nodes
    .filter(({ bus }) => bus?.kind === "redis" && !bus.is_up)
    .map(({ node }) => node);
  const late = nodes.filter((node) => node.lag_ms > LAG_BAD_MS).map(({ node }) => node);
  const grave = [
    ...told(
      dead,
      "is dead; its rooms are at home elsewhere",
      "are dead; their rooms are at home elsewhere",
    ),
    ...told(silent, "is silent for seconds", "are silent for seconds"),
    ...told(ill, "has trouble with its store", "have trouble with their store"),
  ];
  if (picture.ageMs > OLD_MS) {
    grave.push(`The store was last read ${spanInWords(picture.ageMs)} ago: all else is from then.`);
  }
  const slight = [
    ...told(
      down,
      "has lost the bus and hears of others by the store, some seconds later",
      "have lost the bus and hear of others by the store, some seconds later",
    ),
    ...told(late, "is late with its work", "are late with their work"),
  ];
  const serving = nodes.filter((node) => node.state === "serving").length;
  const problems = [...grave, ...slight];
  return {
    tone: grave.length > 0 ? "bad" : slight.length > 0 ? "warn" : "good",
    headline: problems[0] ?? (nodes.length === 1 ? "The node is well." : "All nodes are well."),
    problems,
    serving,
    nodes: nodes.length + dead.length,
    // A room that is open on two nodes is one, where all are known by name.
    rooms: picture.isWhole
      ? picture.rooms.length
      : nodes.reduce((sum, node) => sum + node.rooms, 0),
    sessions: nodes.reduce((sum, node) => sum + node.sessions, 0),
  };
}

/** One sentence about some nodes; none where there are none. */
function told(names: readonly string[], one: string, several: string): string[] {
  if (names.length === 0) return [];
  const more = names.length - NAMED_MAX;
  const named = names.slice(0, NAMED_MAX).join(", ");
  const who = more > 0 ? `${named} and ${more} more` : named;
  return [`${who} ${names.length === 1 ? one : several}.`];
}
