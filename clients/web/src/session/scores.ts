import type { Library, ScoreFacts } from "bandpro-sdk";

const PAGES_MAX = 20;

/** All scores that one may read, up to a number that nobody looks through. */
export async function allScores(library: Library): Promise<readonly ScoreFacts[]> {
  const found: ScoreFacts[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { scores, next } = await library.list(after === undefined ? {} : { after });
    found.push(...scores);
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
