declare global {
  /** Of the page, for all scores that are opened in it: nothing takes longer than its start. */
  var bandproEngraver: Worker | undefined;
}

/** The worker that draws, which may have been started before this script was there. */
export function engraverWorker(address: string | URL): Worker {
  globalThis.bandproEngraver ??= new Worker(address, { type: "module" });
  return globalThis.bandproEngraver;
}
