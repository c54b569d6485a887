import { type Path, pathId } from "../document/nodes.ts";

/** A recent change made by somebody else, shown for a moment. */
export interface Highlight {
  color: string;
  /** Rises with each change, so that a second one starts the glow afresh. */
  sequence: number;
  untilMs: number;
}

export const HIGHLIGHT_MS = 1800;

/** Which rows and notes glow just now. */
export class Highlights {
  readonly #byId = new Map<string, Highlight>();
  #sequence = 0;

  get(id: string): Highlight | undefined {
    return this.#byId.get(id);
  }

  get size(): number {
    return this.#byId.size;
  }

  add(path: Path, color: string, nowMs: number): void {
    this.#sequence += 1;
    const highlight = { color, sequence: this.#sequence, untilMs: nowMs + HIGHLIGHT_MS };
    // Ancestors as well: one of them is on show when the entry itself is folded away.
    for (let length = path.length; length > 0; length--) {
      this.#byId.set(pathId(path.slice(0, length)), highlight);
    }
  }

  /** Forgets what has glowed long enough; true when something went out. */
  expire(nowMs: number): boolean {
    let expired = false;
    for (const [id, highlight] of this.#byId) {
      if (highlight.untilMs > nowMs) continue;
      this.#byId.delete(id);
      expired = true;
    }
    return expired;
  }
}
