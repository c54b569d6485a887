/** Where playing goes from the end of a measure, once; and where it ends then, or leaves for the coda. */
export interface Jump {
  readonly to: "start" | "segno";
  /** What the words name: *al Fine*, *al Coda*; either of them where they name neither. */
  readonly until: "fine" | "coda" | "any";
}

/** What a measure says about which one is played next. */
export interface Signs {
  readonly isForward: boolean;
  /** How often what ends here is played; 0 where no repeat ends. */
  readonly times: number;
  /** The passes in which it is played; null where it is under no ending. */
  readonly endings: readonly number[] | null;
  readonly jump: Jump | null;
  readonly isFine: boolean;
  readonly isToCoda: boolean;
  readonly isSegno: boolean;
  readonly isCoda: boolean;
}

/** What most measures say. */
export const PLAIN: Signs = {
  isForward: false,
  times: 0,
  endings: null,
  jump: null,
  isFine: false,
  isToCoda: false,
  isSegno: false,
  isCoda: false,
};

/** However a score repeats itself, it ends after so many measures. */
const PLAYED_MAX = 100_000;

/**
 * The measures by number, in the order in which musicians play them.
 *
 * A repeat goes back to the last sign that begins one, else to the end of the repeat before, else to
 * the start; repeats do not nest. It is played twice, or as often as it says, or as there are
 * endings. *D.C.* and *D.S.* are followed once, when the repeats of their measure are over; after
 * them no repeat is made, and of endings the last is played, until *Fine* or the leap to the coda.
 */
export function unrolled(measures: readonly Signs[]): readonly number[] {
  const course: number[] = [];
  const highest = highestEndings(measures);
  const coda = measures.findLastIndex((each) => each.isCoda);
  const taken = new Set<number>();
  let [at, start, pass]: [number, number, number] = [0, 0, 1];
  let after: Jump | null = null;
  const go = (to: number) => {
    [at, start, pass] = [to, to, 1];
  };
  while (course.length < PLAYED_MAX) {
    const signs = measures[at];
    if (!signs) break;
    const last = highest[at] ?? 0;
    if (signs.endings?.includes(after ? last : pass) !== false) {
      if (signs.isForward && at !== start) go(at);
      course.push(at);
      if (after === null && signs.times > 0 && pass < Math.max(signs.times, last)) {
        [at, pass] = [start, pass + 1];
        continue;
      }
      if (after && after.until !== "coda" && signs.isFine) break;
      if (after && after.until !== "fine" && signs.isToCoda && coda > at) {
        after = null;
        go(coda);
        continue;
      }
      const target = signs.jump && !taken.has(at) ? targetOf(measures, at, signs.jump) : -1;
      if (target >= 0) {
        taken.add(at);
        after = signs.jump;
        go(target);
        continue;
      }
    }
    const isOver = signs.endings ? isLastOfEndings(measures, at) : signs.times > 0;
    if (isOver) go(at + 1);
    else at += 1;
  }
  return course;
}

/** Where a jump leads; -1 for a segno that is nowhere before. */
function targetOf(measures: readonly Signs[], at: number, { to }: Jump): number {
  return to === "start" ? 0 : measures.slice(0, at + 1).findLastIndex((each) => each.isSegno);
}

/** Whether no ending of the same repeat follows. */
function isLastOfEndings(measures: readonly Signs[], at: number): boolean {
  const next = measures[at + 1];
  return !next?.endings || next.isForward;
}

/** For each measure, the highest number of the endings that it is among; 0 out of endings. */
function highestEndings(measures: readonly Signs[]): readonly number[] {
  const found: number[] = [];
  let begin = 0;
  let highest = 0;
  for (const [at, { endings }] of measures.entries()) {
    highest = Math.max(highest, ...(endings ?? []));
    if (!endings || isLastOfEndings(measures, at)) {
      for (let each = begin; each <= at; each += 1) found[each] = endings ? highest : 0;
      [begin, highest] = [at + 1, 0];
    }
  }
  return found;
}
