// Which scores have pictures of their first rows in this browser, where the first script of a page
// reads it at once.
const KEY = "bandpro.drawn";
const ROOMS_MAX = 50;

export function isDrawn(room: string): boolean {
  try {
    return rooms().includes(room);
  } catch {
    return false;
  }
}

export function noteDrawn(room: string, isSo: boolean): void {
  try {
    const others = rooms().filter((each) => each !== room);
    const now = isSo ? [room, ...others].slice(0, ROOMS_MAX) : others;
    localStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // Then the engraver begins with the page.
  }
}

function rooms(): string[] {
  return JSON.parse(localStorage.getItem(KEY) ?? "[]");
}
