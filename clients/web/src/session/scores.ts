import type { Library, ScoreFacts } from "bandpro-sdk";

const PAGES_MAX = 20;
/** As long as a title is that somebody types; files may bring longer ones. */
export const TITLE_CHARS_MAX = 200;

/** The score that was open last, with the title that it had. */
export interface Left {
  readonly room: string;
  readonly title: string;
}

/**
 * All scores that one may read, up to a number that nobody looks through.
 *
 * @param left was just left, with this title: the server's list knows a new one a moment later.
 * @param isArchived those that are archived instead of those in use.
 */
export async function allScores(
  library: Library,
  left: Left | null = null,
  isArchived = false,
): Promise<readonly ScoreFacts[]> {
  const found: ScoreFacts[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { scores, next } = await library.list({
      isArchived,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...scores.map((each) => (each.room === left?.room ? { ...each, ...left } : each)));
    if (next === null) break;
    after = next;
  }
  return found;
}

/** Those whose title or room has a text in it, in upper or lower case. */
export function scoresWith<Facts extends Pick<ScoreFacts, "room" | "title">>(
  scores: readonly Facts[],
  sought: string,
): readonly Facts[] {
  return scores.filter(({ room, title }) =>
    `${title} ${room}`.toLowerCase().includes(sought.toLowerCase()),
  );
}
