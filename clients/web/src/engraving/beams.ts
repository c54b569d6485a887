import type { Span } from "./groups.ts";
import { element } from "./xml.ts";

/** What matters of an item for its beam. */
export interface Beamable {
  /** In quarter notes. */
  readonly onset: number;
  /** An eighth or shorter, and not a grace note. */
  readonly isShort: boolean;
  /** `begin`, `continue` or `end` of its first beam, as the document says. */
  readonly beam: string | null;
  readonly isGrace: boolean;
}

const wrap = (content: string) => element("beam", {}, content);

/**
 * Beams as the document says; where it says nothing of a voice's beams, those of notes within one
 * beat.
 *
 * @param beat in quarter notes.
 */
export function beamSpans(items: readonly Beamable[], beat: number): readonly Span[] {
  return items.some((item) => item.beam !== null) ? written(items) : byBeats(items, beat);
}

function written(items: readonly Beamable[]): Span[] {
  const spans: Span[] = [];
  let first: number | null = null;
  for (const [index, item] of items.entries()) {
    if (item.beam === "begin") {
      first = index;
    } else if (item.beam === "end" && first !== null) {
      spans.push({ first, last: index, wrap });
      first = null;
    } else if (item.beam === null && !item.isGrace) {
      // Somebody wrote something else into it.
      first = null;
    }
  }
  return spans;
}

function byBeats(items: readonly Beamable[], beat: number): Span[] {
  const spans: Span[] = [];
  let run: number[] = [];
  const close = () => {
    const [first, last] = [run[0], run.at(-1)];
    if (first !== undefined && last !== undefined && run.length > 1) {
      spans.push({ first, last, wrap });
    }
    run = [];
  };
  for (const [index, item] of items.entries()) {
    if (item.isGrace) {
      continue;
    }
    const before = items[run.at(-1) ?? -1];
    if (!item.isShort || (before && beatOf(before, beat) !== beatOf(item, beat))) {
      close();
    }
    if (item.isShort) {
      run.push(index);
    }
  }
  close();
  return spans;
}

function beatOf(item: Beamable, beat: number): number {
  // Onsets in tuplets are not exact here.
  return Math.floor(item.onset / beat + 1e-9);
}

/** How long a beat is for beams, in quarter notes: three eighths are one in 6/8. */
export function beatLength(beats: unknown, unit: number): number {
  const count = Array.isArray(beats) && beats.length === 1 ? Number(beats[0]) : 0;
  const isCompound = unit >= 8 && count % 3 === 0 && count > 0;
  return isCompound ? 12 / unit : Math.max(1, 4 / unit);
}
