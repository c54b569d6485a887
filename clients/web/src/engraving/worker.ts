import type { VerovioToolkit } from "verovio/esm";
import type { Answer, Question } from "./engraver.ts";
import { OPTIONS, PAGE_HEIGHT } from "./options.ts";
import { pictureOf } from "./svg.ts";

// Files of their own beside the bundle: seven megabytes that no bundler need read.
const FOLDER = "/verovio/";

const LOG_OFF = 0;

let ready = started();

async function started(): Promise<VerovioToolkit> {
  const [{ default: createModule }, { VerovioToolkit: Toolkit, enableLog }] = await Promise.all([
    import(/* turbopackIgnore: true */ `${FOLDER}verovio-module.mjs`),
    import(/* turbopackIgnore: true */ `${FOLDER}verovio.mjs`),
  ]);
  const module = await createModule();
  // It warns of whatever a document says, and of rows that are pressed: nobody reads that.
  enableLog(LOG_OFF, module);
  return new Toolkit(module);
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
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
