import { listField } from "../connection/api.ts";

/** What `GET /v1/nodes` and `GET /v1/nodes/rooms` tell, by the names that the API gives it. */

export type NodeState = "serving" | "draining" | "drained" | "silent";

export interface BusHealth {
  kind: "off" | "log" | "redis";
  is_up: boolean;
  delay_ms: number | null;
  peers: number;
  gaps: number;
  interruptions: number;
  look_ms: number;
}

export interface Move {
  node: string;
  rooms: number;
  sessions: number;
}

export interface ClusterNode {
  node: string;
  boot: number;
  address: string | null;
  state: NodeState;
  share: number;
  rooms: number;
  sessions: number;
  cpu: number;
  lag_ms: number;
  version: string;
  uptime_ms: number | null;
  silent_ms: number;
  store_problem: string | null;
  bus: BusHealth | null;
  is_here: boolean;
  moves: Move[];
}

export interface GoneNode {
  node: string;
  boot: number;
  address: string | null;
  version: string;
  has_left: boolean;
  silent_ms: number;
}

export interface LiveRoom {
  room: string;
  home: string | null;
  sessions: number;
  open_on: { node: string; sessions: number }[];
}

/** The cluster as one answer of the server shows it. */
export interface Picture {
  nodes: readonly ClusterNode[];
  gone: readonly GoneNode[];
  /** How long ago the node that answered last looked at the others. */
  ageMs: number;
  rooms: readonly LiveRoom[];
  /** Whether `rooms` are all that are open. */
  isWhole: boolean;
}

/** Puts two answers together. The server that served this page is the one that gave them. */
export function pictureOf(nodes: unknown, rooms: unknown): Picture {
  return {
    nodes: listField(nodes, "nodes") as ClusterNode[],
    gone: listField(nodes, "gone") as GoneNode[],
    ageMs: Number(field(nodes, "age_ms") ?? 0),
    rooms: listField(rooms, "rooms") as LiveRoom[],
    isWhole: field(rooms, "is_whole") === true,
  };
}

function field(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
}
