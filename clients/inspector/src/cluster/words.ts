import type { BusHealth, ClusterNode, GoneNode, NodeState } from "./answers.ts";

/** How well something is; by which it is coloured, and never by colour alone. */
export type Tone = "good" | "warn" | "bad" | "dim";

export interface Said {
  text: string;
  tone: Tone;
}

export const LAG_WARN_MS = 50;
export const LAG_BAD_MS = 250;
const DELAY_WARN_MS = 100;

const states: Readonly<Record<NodeState, Said>> = {
  serving: { text: "Live", tone: "good" },
  draining: { text: "Draining", tone: "warn" },
  drained: { text: "Empty", tone: "dim" },
  silent: { text: "Silent", tone: "bad" },
};

export function stateInWords(node: ClusterNode): Said {
  return states[node.state];
}

export function endInWords(node: GoneNode): Said {
  return node.has_left ? { text: "Stopped", tone: "dim" } : { text: "Dead", tone: "bad" };
}

/** A span of time in its two largest units, such as “3 d 4 h”. */
export function spanInWords(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const units: Array<[name: string, count: number]> = [
    ["d", Math.floor(s / 86_400)],
    ["h", Math.floor(s / 3600) % 24],
    ["min", Math.floor(s / 60) % 60],
    ["s", s % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 s";
  return units
    .slice(first, first + 2)
    .filter(([, count], place) => place === 0 || count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(" ");
}

export function msInWords(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString("en")} ms`;
}

/** How a node hears of the others, in a word or two. */
export function busInWords(bus: BusHealth | null): Said {
  if (bus === null) return { text: "Not told", tone: "dim" };
  if (bus.kind === "off") return { text: "By itself", tone: "dim" };
  if (bus.kind === "log") return { text: "Store only", tone: "dim" };
  if (!bus.is_up) return { text: "Down", tone: "bad" };
  if (bus.delay_ms === null) return { text: "Up", tone: "good" };
  const tone = bus.delay_ms > DELAY_WARN_MS ? "warn" : "good";
  return { text: `Up, ${msInWords(bus.delay_ms)}`, tone };
}

/**
 * What is to be known of a bus beside that: what is done without it, who is heard, what was missed.
 *
 * @param others how many other members there are.
 */
export function busDetails(bus: BusHealth | null, others: number): readonly Said[] {
  if (bus === null) return [];
  const every = `looks into the store every ${Math.round(bus.look_ms / 1000)} s`;
  if (bus.kind === "off") return [];
  if (bus.kind === "log") return [{ text: every, tone: "dim" }];
  const details: Said[] = [];
  if (bus.is_up) {
    const tone = bus.peers < others ? "warn" : "dim";
    details.push({ text: `hears ${bus.peers} of ${others}`, tone });
  } else {
    details.push({ text: every, tone: "warn" });
  }
  if (bus.gaps > 0) {
    details.push({ text: bus.gaps === 1 ? "1 gap met" : `${bus.gaps} gaps met`, tone: "dim" });
  }
  if (bus.interruptions > 0) {
    const times = bus.interruptions === 1 ? "once" : `${bus.interruptions} times`;
    details.push({ text: `lost ${times}`, tone: "dim" });
  }
  return details;
}

export function lagTone(lagMs: number): Tone {
  if (lagMs > LAG_BAD_MS) return "bad";
  return lagMs > LAG_WARN_MS ? "warn" : "good";
}

/** Of a node's open rooms, those that are at home there. */
export function roomsAtHome(node: ClusterNode): number {
  return Math.max(0, node.rooms - node.moves.reduce((sum, move) => sum + move.rooms, 0));
}
