import { useCallback, useEffect, useRef, useState } from "react";
import type { Desk } from "../editing/desk.ts";
import { startOf, stretchOf } from "../playback/course.ts";
import { Player } from "../playback/player.ts";

/** How the score is heard, and the notes that sound. */
export interface Hearing {
  readonly notes: readonly string[];
  readonly isOn: boolean;
  readonly isLooping: boolean;
  readonly muted: ReadonlySet<string>;
  readonly toggle: () => void;
  readonly toggleLoop: () => void;
  readonly toggleMute: (part: string) => void;
}

/** Plays what is on a desk. */
export function usePlaying(desk: Desk): Hearing {
  const [notes, setNotes] = useState<readonly string[]>([]);
  const [isOn, setOn] = useState(false);
  const [isLooping, setLooping] = useState(false);
  const [muted, setMuted] = useState<ReadonlySet<string>>(new Set());
  const player = useRef<Player | null>(null);
  useEffect(() => () => player.current?.stop(), []);

  const loopOf = useCallback(() => {
    const { index, selected } = desk.desktop.get();
    return stretchOf(index, selected);
  }, [desk]);
  const toggle = useCallback(() => {
    if (player.current) {
      player.current.stop();
      return;
    }
    const { index, selected } = desk.desktop.get();
    const loop = isLooping ? loopOf() : null;
    const from = loop?.from ?? startOf(index, selected);
    if (!from) return;
    const made = new Player({
      index: () => desk.desktop.get().index,
      from,
      onNotes: setNotes,
      onEnd: () => {
        player.current = null;
        setNotes([]);
        setOn(false);
      },
    });
    made.loop(loop);
    made.mute(muted);
    player.current = made;
    setOn(true);
  }, [desk, isLooping, loopOf, muted]);
  const toggleLoop = useCallback(() => {
    player.current?.loop(isLooping ? null : loopOf());
    setLooping(!isLooping);
  }, [isLooping, loopOf]);
  const toggleMute = useCallback(
    (part: string) => {
      const next = new Set(muted);
      if (!next.delete(part)) next.add(part);
      player.current?.mute(next);
      setMuted(next);
    },
    [muted],
  );
  return { notes, isOn, isLooping, muted, toggle, toggleLoop, toggleMute };
}
