import { useEffect, useMemo } from "react";

/** For pages that are not painted. */
const WAITED_MS_MAX = 100;
/** What may come before the next frame, and must not overtake what waits for it. */
const BEFORE = ["keydown", "pointerdown", "blur", "pagehide", "beforeunload"] as const;

/** Does one thing after the next frame, so that the frame shows what came before it. */
class AfterPaint {
  #work: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** What waits already is done first. */
  later(work: () => void): void {
    this.flush();
    this.#work = work;
    this.#timer = setTimeout(this.flush, WAITED_MS_MAX);
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        if (this.#work === work) this.flush();
      };
      port2.postMessage(null);
    });
  }

  /** Does now what waits. */
  readonly flush = (): void => {
    clearTimeout(this.#timer);
    const work = this.#work;
    this.#work = null;
    work?.();
  };
}

/** Work that waits for a frame; it is done before whatever else somebody does. */
export function useAfterPaint(): AfterPaint {
  const waiting = useMemo(() => new AfterPaint(), []);
  useEffect(() => {
    for (const event of BEFORE) addEventListener(event, waiting.flush, { capture: true });
    return () => {
      for (const event of BEFORE) removeEventListener(event, waiting.flush, { capture: true });
      waiting.flush();
    };
  }, [waiting]);
  return waiting;
}
