/** What a person chose, on this device; where nothing may be kept, for as long as the page is open. */
export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`bandpro.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`bandpro.${name}`, value);
  } catch {
    // Then it holds until the page is closed.
  }
}
