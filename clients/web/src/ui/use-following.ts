import { type RefObject, useCallback, useEffect, useState } from "react";
import type { ScoreIndex } from "../editing/score-index.ts";
import type { Person } from "../session/people.ts";
import { drawnOf } from "./drawn.ts";

/** Whom one follows, by client; null for nobody. */
export interface Following {
  readonly client: number | null;
  readonly toggle: (client: number) => void;
}

const SCROLL_KEYS = new Set(["PageUp", "PageDown", "Home", "End"]);
const LOOK_EVERY_MS = 150;
const LOOKS_MAX = 20;
/** In shares of the window's height: what is nearer to its middle is in sight. */
const EDGE = 0.3;

/** Keeps what somebody has selected in sight, until one scrolls, points or types oneself. */
export function useFollowing(
  people: readonly Person[],
  index: ScoreIndex,
  surface: RefObject<HTMLElement | null>,
): Following {
  const [client, setClient] = useState<number | null>(null);
  const person = client === null ? null : people.find((each) => each.client === client);
  const [place] = person?.selected ?? [];
  const measure = place === undefined ? undefined : index.place(place)?.measure;
  const before = measure === undefined ? 0 : index.measureIndex(measure);
  const share = before / Math.max(1, index.view.measures.length);

  useEffect(() => {
    // Who has left is not followed any more.
    if (person === undefined) setClient(null);
  }, [person]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the share alone is no reason to scroll
  useEffect(() => {
    const box = surface.current;
    return box && place !== undefined ? seek(box, place, share) : undefined;
  }, [surface, place]);
  useEffect(
    () => (client === null ? undefined : onOwnWay(surface.current, () => setClient(null))),
    [client, surface],
  );

  const toggle = useCallback(
    (other: number) => setClient((before) => (before === other ? null : other)),
    [],
  );
  return { client, toggle };
}

/** Brings an element of the picture into sight; one that is not drawn yet, as soon as it is. */
function seek(box: HTMLElement, id: string, share: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (count: number) => {
    const rect = drawnOf(box, id)?.getBoundingClientRect();
    if (rect) {
      centre(rect.top + rect.height / 2);
      return;
    }
    // Pages are drawn where one looks: about there.
    const around = box.getBoundingClientRect();
    if (count === 0) centre(around.top + around.height * share);
    if (count < LOOKS_MAX) timer = setTimeout(() => look(count + 1), LOOK_EVERY_MS);
  };
  look(0);
  return () => clearTimeout(timer);
}

/** @param y in pixels from the window's upper edge. */
function centre(y: number): void {
  const within = y / innerHeight;
  if (within < EDGE || within > 1 - EDGE) scrollBy({ top: y - innerHeight / 2 });
}

/** Tells when one scrolls or goes on in the score oneself; gives what ends that. */
export function onOwnWay(surface: HTMLElement | null, end: () => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  addEventListener("wheel", end, { passive: true, signal });
  addEventListener("touchmove", end, { passive: true, signal });
  addEventListener("keydown", ({ key }) => SCROLL_KEYS.has(key) && end(), { signal });
  // The bar at the window's edge.
  addEventListener("pointerdown", ({ target }) => target === document.documentElement && end(), {
    signal,
  });
  surface?.addEventListener("keydown", end, { signal });
  surface?.addEventListener("pointerdown", end, { signal });
  return () => ending.abort();
}
