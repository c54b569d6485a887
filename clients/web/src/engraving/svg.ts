import { type Picture, USUAL_RATIO } from "./pictures.ts";

/** A row as it is put into the page: without styles, which a strict content policy refuses. */
export function pictureOf(svg: string): Picture {
  const plain = svg.replace(/<style[^>]*>[\s\S]*?<\/style>/g, "").replace(/ style="[^"]*"/g, "");
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const ratio = Number(height) / Number(width);
  return { svg: plain, ratio: Number.isFinite(ratio) ? ratio : USUAL_RATIO };
}
