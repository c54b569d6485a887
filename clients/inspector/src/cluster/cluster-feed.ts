import { batch, type ReadonlySignal, signal } from "@preact/signals";
import { type ApiAnswer, askApi } from "../connection/api.ts";
import { type Picture, pictureOf } from "./answers.ts";
import { type PastByRun, withMoment } from "./past.ts";

/** Whether what is shown is what is. */
export type FeedState =
  | { kind: "asking" }
  | { kind: "live" }
  | { kind: "paused" }
  | { kind: "unreachable"; detail: string }
  | { kind: "refused"; status: number; detail: string };

export const PERIOD_MS = 1000;
export const ROOMS_MAX = 200;
const TIMEOUT_MS = 4000;

/** What the feed asks: a path of the API. */
export type Ask = (path: string) => Promise<ApiAnswer>;

export function askAs(token: string | null): Ask {
  return (path) => askApi(path, { token, timeoutMs: TIMEOUT_MS });
}

/**
 * The cluster, asked for once a second, for as long as somebody looks.
 *
 * The last picture stays when the server cannot be reached; `state` says that it is old, and
 * `takenMs` of when. A refusal ends the feed: nothing changes by asking again.
 */
export class ClusterFeed {
  readonly state: ReadonlySignal<FeedState>;
  readonly picture: ReadonlySignal<Picture | null>;
  readonly past: ReadonlySignal<PastByRun>;
  /** When the picture came, on the clock of `Date.now`; 0 before the first. */
  readonly takenMs: ReadonlySignal<number>;

  readonly #ask: Ask;
  readonly #state = signal<FeedState>({ kind: "asking" });
  readonly #picture = signal<Picture | null>(null);
  readonly #past = signal<PastByRun>(new Map());
  readonly #takenMs = signal(0);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;

  constructor(ask: Ask) {
    this.#ask = ask;
    this.state = this.#state;
    this.picture = this.#picture;
    this.past = this.#past;
    this.takenMs = this.#takenMs;
  }

  /** Asks at once, and then again and again. */
  start(): void {
    this.stop();
    void this.#look(this.#turn);
  }

  /** Asks no more; an answer that is under way is dropped. */
  stop(): void {
    this.#turn += 1;
    clearTimeout(this.#timer);
  }

  /** Asks no more until `start`, because nobody looks. */
  pause(): void {
    this.stop();
    if (this.#state.value.kind !== "refused") this.#state.value = { kind: "paused" };
  }

  async #look(turn: number): Promise<void> {
    const begunMs = Date.now();
    const [nodes, rooms] = await Promise.all([
      this.#ask("/v1/nodes"),
      this.#ask(`/v1/nodes/rooms?limit=${ROOMS_MAX}`),
    ]);
    if (turn !== this.#turn) return;
    batch(() => {
      if (nodes.kind !== "answer") {
        this.#settle(nodes);
      } else if (rooms.kind !== "answer") {
        this.#settle(rooms);
      } else {
        const picture = pictureOf(nodes.body, rooms.body);
        this.#picture.value = picture;
        this.#past.value = withMoment(this.#past.value, picture.nodes);
        this.#takenMs.value = Date.now();
        this.#settle({ kind: "live" });
      }
    });
    if (this.#state.value.kind === "refused") return;
    const waitMs = Math.max(0, begunMs + PERIOD_MS - Date.now());
    this.#timer = setTimeout(() => void this.#look(turn), waitMs);
  }

  /** A state that is as before is not told again, so that nothing is drawn or read out anew. */
  #settle(state: FeedState): void {
    if (JSON.stringify(state) !== JSON.stringify(this.#state.value)) this.#state.value = state;
  }
}
