/** The score that an address names after its `#/`; empty for none. */
export function roomIn(hash: string): string {
  try {
    return decodeURIComponent(hash.replace(/^#\/?/, ""));
  } catch {
    return "";
  }
}
