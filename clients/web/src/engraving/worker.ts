import type { VerovioToolkit } from "verovio/esm";
import type { Answer, Question } from "./engraver.ts";
import { OPTIONS, PAGE_HEIGHT } from "./options.ts";

// Files of their own beside the bundle: seven megabytes that no bundler need read.
const FOLDER = "/verovio/";

const ready: Promise<VerovioToolkit> = (async () => {
  const [{ default: createModule }, { VerovioToolkit: Toolkit }] = await Promise.all([
    import(/* turbopackIgnore: true */ `${FOLDER}verovio-module.mjs`),
    import(/* turbopackIgnore: true */ `${FOLDER}verovio.mjs`),
  ]);
  return new Toolkit(await createModule());
})();

let held = 0;

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const toolkit = await ready;
  if (data.kind === "load") {
    toolkit.setOptions({ ...OPTIONS, pageWidth: data.width, pageHeight: PAGE_HEIGHT });
    const isTaken = toolkit.loadData(data.mei);
    held = data.number;
    answer(
      isTaken
        ? {
            kind: "loaded",
            number: data.number,
            pages: toolkit.getPageCount(),
            first: plainSvg(toolkit.renderToSVG(1)),
          }
        : { kind: "failed", number: data.number },
    );
  } else if (data.number === held) {
    const svg = plainSvg(toolkit.renderToSVG(data.page + 1));
    answer({ kind: "page", number: held, page: data.page, svg });
  }
};

/** The picture without styles of its own, which a strict content policy refuses. */
function plainSvg(svg: string): string {
  return svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, "").replace(/ style="[^"]*"/g, "");
}

function answer(message: Answer): void {
  self.postMessage(message);
}
