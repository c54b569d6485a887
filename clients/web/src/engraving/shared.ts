declare global {
  /** Of the page, for all scores that are opened in it: nothing takes longer than its start. */
  var bandproEngraver: Worker | undefined;
}

/** What a worker that cannot be loaded, or has ended, is told by. */
export const FAILURES = ["error", "messageerror"] as const;

/** The worker that draws, which may have been started before this script was there. */
export function engraverWorker(address: string | URL): Worker {
  globalThis.bandproEngraver ??= begun(address);
  return globalThis.bandproEngraver;
}

/** One that fails is none any more, whoever began it: whoever asks next has another one. */
function begun(address: string | URL): Worker {
  const worker = new Worker(address, { type: "module" });
  const drop = (event: Event): void => {
    event.preventDefault(); // it is told where a picture is waited for
    worker.terminate();
    if (globalThis.bandproEngraver === worker) globalThis.bandproEngraver = undefined;
  };
  for (const name of FAILURES) worker.addEventListener(name, drop);
  return worker;
}
