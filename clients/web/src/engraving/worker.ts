import type { VerovioToolkit } from "verovio/esm";
import createModule from "verovio/wasm";
import type { Answer, Question } from "./engraver.ts";
import { OPTIONS, PAGE_HEIGHT } from "./options.ts";
import { SAMPLES } from "./sample.ts";
import { pictureOf } from "./svg.ts";
import { type Addresses, restored } from "./toolkit.ts";

const SAMPLE_WIDTH = 2_000;
/** Put in when the page is built. */
const ADDRESSES = process.env["VEROVIO"] as unknown as Addresses;

let ready = started();
let wasAsked = false;
// Whoever asks is told what failed.
rehearsed().catch(() => undefined);

async function started(): Promise<VerovioToolkit> {
  const beside = (name: string) => fetch(new URL(name, import.meta.url));
  const wasm = WebAssembly.compileStreaming(beside("verovio.wasm"));
  const memory = await (await beside("verovio-memory.bin")).arrayBuffer();
  return restored(createModule, wasm, memory, ADDRESSES);
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  wasAsked = true;
  // It is waited for, whatever fails.
  const picture = await drawn(data).catch(() => {
    ready = started(); // what failed within the engraver may have left anything behind
    return null;
  });
  const answer: Answer = { number: data.number, picture };
  self.postMessage(answer);
};

async function drawn({ mei, page, width }: Question): Promise<Answer["picture"]> {
  const toolkit = await ready;
  toolkit.setOptions({ ...OPTIONS, pageWidth: width, pageHeight: PAGE_HEIGHT });
  return toolkit.loadData(mei) ? pictureOf(toolkit.renderToSVG(page)) : null;
}

/** Draws what nobody sees, until there is a question: code that never ran takes several times as long. */
async function rehearsed(): Promise<void> {
  await ready;
  for (const mei of SAMPLES) {
    await new Promise((resolve) => setTimeout(resolve)); // questions that wait come first
    if (wasAsked) return;
    await drawn({ number: 0, mei, page: 1, width: SAMPLE_WIDTH });
  }
}
