import type { WrittenMeasure } from "./measures.ts";
import { clefElement, keyElement, type Signs, timeElement } from "./signs.ts";
import type { PartStaves, Staff } from "./staves.ts";
import { element, escaped } from "./xml.ts";

const NAMESPACE = "http://www.music-encoding.org/ns/mei";
const HEADER = element(
  "meiHead",
  {},
  element("fileDesc", {}, element("titleStmt", {}, element("title", {})) + element("pubStmt", {})),
);
export const NEW_PAGE: string = element("pb", {});

/** A document of measures and page breaks, for the engraver. */
export function meiDocument(scoreDefinition: string, content: string): string {
  const score = element("score", {}, scoreDefinition + element("section", {}, content));
  const music = element("music", {}, element("body", {}, element("mdiv", {}, score)));
  return element("mei", { xmlns: NAMESPACE, meiversion: "5.1" }, HEADER + music);
}

/** The parts with their names, and what holds on each staff at the start. */
export function scoreDefinition(
  parts: readonly PartStaves[],
  signsOf: (staff: Staff) => Signs,
): string {
  const groups = parts.map((part) => {
    const label = element("label", {}, escaped(part.name));
    const short = part.abbreviation === "" ? part.name.slice(0, 3) : part.abbreviation;
    const labels = part.name === "" ? "" : label + element("labelAbbr", {}, escaped(short));
    const isAlone = part.staves.length === 1;
    const definitions = part.staves.map((staff) => {
      const { clef, key, time } = signsOf(staff);
      const content =
        (isAlone ? labels : "") + clefElement(clef) + keyElement(key) + timeElement(time);
      return element("staffDef", { n: staff.number, lines: 5 }, content);
    });
    return isAlone
      ? definitions.join("")
      : element("staffGrp", { symbol: "brace", "bar.thru": "true" }, labels + definitions.join(""));
  });
  const group = { symbol: parts.length > 1 ? "bracket" : null, "bar.thru": "true" };
  return element("scoreDef", {}, element("staffGrp", group, groups.join("")));
}

/** A measure of the score after new keys and metres, with the lines that begin in it and may leave it. */
export function measureElement(measure: WrittenMeasure, lines: string): string {
  return measure.change + element("measure", measure.attributes, measure.content + lines);
}

/** A measure that only has notes at which lines begin or end, by staff. */
export function stubMeasure(
  items: ReadonlyMap<number, ReadonlySet<string>>,
  lines: string,
  staves: readonly Staff[],
): string {
  const written = staves.map(({ number }) => {
    const content = [...(items.get(number) ?? [element("mSpace", {})])].join("");
    return element("staff", { n: number }, element("layer", { n: 1 }, content));
  });
  return element("measure", {}, written.join("") + lines);
}
