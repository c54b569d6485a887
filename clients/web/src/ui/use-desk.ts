import type { Score } from "bandpro-sdk";
import { useEffect, useState } from "react";
import { Desk } from "../editing/desk.ts";

/** A desk over a score, for as long as both are there. */
export function useDesk(score: Score | null): Desk | null {
  const [desk, setDesk] = useState<Desk | null>(null);
  useEffect(() => {
    const made = score && new Desk(score);
    setDesk(made);
    return () => made?.end();
  }, [score]);
  return desk;
}
