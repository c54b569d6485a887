import type { VerovioToolkit } from "verovio/esm";
import createModule from "verovio/wasm";
import type { Answer, Question } from "./engraver.ts";
import { OPTIONS, PAGE_HEIGHT } from "./options.ts";
import { SAMPLES } from "./sample.ts";
import { pictureOf } from "./svg.ts";
import { type Addresses, restored } from "./toolkit.ts";

const SAMPLE_WIDTH = 2_000;
/**
 * How long it waits for a question before it rehearses. Where the score is near, the page has a
 * question by then, and needs the processors itself until it has.
 */
const PATIENCE_MS = 500;
/** Put in when the page is built. */
const ADDRESSES = process.env["VEROVIO"] as unknown as Addresses;

let ready = begun();
let wasAsked = false;
// Whoever asks is told what failed.
rehearsed().catch(() => undefined);

/** A toolkit; null where none can be had, which the page is told as the end of this worker. */
async function begun(): Promise<VerovioToolkit | null> {
  try {
    return await started();
  } catch (error) {
    reportError(error);
    return null;
  }
}

async function started(): Promise<VerovioToolkit> {
  const wasm = WebAssembly.compileStreaming(beside("verovio.wasm"));
  const memory = beside("verovio-memory.bin").then((answer) => answer.arrayBuffer());
  // Both are waited for here, so that none fails unheard.
  const [bytes] = await Promise.all([memory, wasm]);
  return restored(createModule, wasm, bytes, ADDRESSES);
}

async function beside(name: string): Promise<Response> {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  wasAsked = true;
  const toolkit = await ready;
  if (toolkit === null) return;
  let picture: Answer["picture"] = null;
  try {
    picture = drawn(toolkit, data);
  } catch {
    ready = begun(); // what failed within the engraver may have left anything behind
  }
  const answer: Answer = { number: data.number, picture };
  self.postMessage(answer);
};

function drawn(toolkit: VerovioToolkit, { mei, page, width }: Question): Answer["picture"] {
  toolkit.setOptions({ ...OPTIONS, pageWidth: width, pageHeight: PAGE_HEIGHT });
  return toolkit.loadData(mei) ? pictureOf(toolkit.renderToSVG(page)) : null;
}

/**
 * Draws what nobody sees, if there is no question soon and until there is one: code that never ran
 * takes several times as long.
 */
async function rehearsed(): Promise<void> {
  const toolkit = await ready;
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  for (const mei of SAMPLES) {
    await new Promise((resolve) => setTimeout(resolve)); // questions that wait come first
    if (wasAsked || toolkit === null) return;
    drawn(toolkit, { number: 0, mei, page: 1, width: SAMPLE_WIDTH });
  }
}
