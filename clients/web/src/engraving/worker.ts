import type { VerovioToolkit } from "verovio/esm";
import type { Answer, Question } from "./engraver.ts";
import { OPTIONS, PAGE_HEIGHT } from "./options.ts";

// Files of their own beside the bundle: seven megabytes that no bundler need read.
const FOLDER = "/verovio/";

type Load = Extract<Question, { kind: "load" }>;

const ready: Promise<VerovioToolkit> = (async () => {
  const [{ default: createModule }, { VerovioToolkit: Toolkit }] = await Promise.all([
    import(/* turbopackIgnore: true */ `${FOLDER}verovio-module.mjs`),
    import(/* turbopackIgnore: true */ `${FOLDER}verovio.mjs`),
  ]);
  return new Toolkit(await createModule());
})();

let held = 0;

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  if (data.kind === "load") {
    // It is waited for, whatever fails.
    answer(await loaded(data).catch((): Answer => ({ kind: "failed", number: data.number })));
    return;
  }
  const toolkit = await ready;
  if (data.number === held) {
    const svg = plainSvg(toolkit.renderToSVG(data.page + 1));
    answer({ kind: "page", number: held, page: data.page, svg });
  }
};

async function loaded({ mei, width, number }: Load): Promise<Answer> {
  const toolkit = await ready;
  toolkit.setOptions({ ...OPTIONS, pageWidth: width, pageHeight: PAGE_HEIGHT });
  const isTaken = toolkit.loadData(mei);
  held = number;
  if (!isTaken) {
    return { kind: "failed", number };
  }
  const first = plainSvg(toolkit.renderToSVG(1));
  return { kind: "loaded", number, pages: toolkit.getPageCount(), first };
}

/** The picture without styles of its own, which a strict content policy refuses. */
function plainSvg(svg: string): string {
  return svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, "").replace(/ style="[^"]*"/g, "");
}

function answer(message: Answer): void {
  self.postMessage(message);
}
