// A symbol, since ids of elements, which scores name, become properties of a window.
const HELD: unique symbol = Symbol.for("bandpro.engraver");
const page: typeof globalThis & { [HELD]?: Worker | undefined } = globalThis;

/** What a worker that cannot be loaded, or has ended, is told by. */
export const FAILURES = ["error", "messageerror"] as const;

/**
 * The worker that draws, which may have been started before this script was there: for all scores
 * that are opened in the page, since nothing takes longer than its start.
 */
export function engraverWorker(address: string | URL): Worker {
  page[HELD] ??= begun(address);
  return page[HELD];
}

/** One that fails is none any more, whoever began it: whoever asks next has another one. */
function begun(address: string | URL): Worker {
  const worker = new Worker(address, { type: "module" });
  const drop = (event: Event): void => {
    event.preventDefault(); // it is told where a picture is waited for
    worker.terminate();
    if (page[HELD] === worker) page[HELD] = undefined;
  };
  for (const name of FAILURES) worker.addEventListener(name, drop);
  return worker;
}
