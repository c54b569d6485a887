// Which scores have pictures of their first rows in this browser, where the first script of a page
// reads it at once. Each is known by the key of its copy: others who use the browser have their own.
const KEY = "bandpro.drawn";
const SCORES_MAX = 50;

export function isDrawn(key: string): boolean {
  return drawn().includes(key);
}

/** Notes it as the last one; gives those whose pictures are to go, since there are too many. */
export function noteDrawn(key: string): readonly string[] {
  const now = [key, ...drawn().filter((each) => each !== key)];
  return keep(now.slice(0, SCORES_MAX)) ? now.slice(SCORES_MAX) : [];
}

export function forgetDrawn(key: string): void {
  keep(drawn().filter((each) => each !== key));
}

function drawn(): readonly string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** Whether that was possible; where it is not, the engraver begins with the page. */
function keep(keys: readonly string[]): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(keys));
    return true;
  } catch {
    return false;
  }
}
