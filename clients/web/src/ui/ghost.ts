// A note that is not written yet, where the pointer is. Nothing else is drawn or painted for it.
import type { NextValue } from "../editing/actions.ts";
import { STEPS_IN_STAFF } from "./pointing.ts";

/** Where a note would be, in pixels of the sheet. */
export interface Ghostly {
  readonly x: number;
  readonly y: number;
  /** From a line of the staff to the space beside it. */
  readonly step: number;
  /** So many steps over the middle line. */
  readonly steps: number;
  readonly value: NextValue;
}

const SVG = "http://www.w3.org/2000/svg";
/** In steps of the staff, to both sides of the head. */
const LEDGER = 2.2;
const STEM = 7;
const FLAGS_MAX = 4;
const HEAD = "M-1.25 .45a1.35 .9 -20 1 0 2.5 -.9a1.35 .9 -20 1 0 -2.5 .9z";

/** Drawn once for each length and height, and then only moved. */
export class Ghost {
  readonly #box: SVGSVGElement = document.createElementNS(SVG, "svg");
  readonly #head: SVGPathElement = document.createElementNS(SVG, "path");
  readonly #lines: SVGPathElement = document.createElementNS(SVG, "path");
  #drawn = "";

  constructor(sheet: HTMLElement) {
    this.#box.setAttribute("class", "ghost");
    this.#box.setAttribute("aria-hidden", "true");
    this.#head.setAttribute("class", "ghost-head");
    this.#lines.setAttribute("class", "ghost-lines");
    this.#box.append(this.#lines, this.#head);
    sheet.append(this.#box);
  }

  show({ x, y, step, steps, value }: Ghostly): void {
    const drawn = `${steps} ${value.quarters} ${value.dots}`;
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#head.setAttribute("d", HEAD);
      this.#head.classList.toggle("is-hollow", value.quarters >= 2);
      this.#lines.setAttribute("d", ledgerLines(steps) + stem(value, steps < 0) + dots(value));
    }
    this.#box.style.transform = `translate(${x}px, ${y}px) scale(${step})`;
    this.#box.classList.add("is-shown");
  }

  hide(): void {
    this.#box.classList.remove("is-shown");
  }

  end(): void {
    this.#box.remove();
  }
}

/** The lines that a note has for itself over or under the staff. */
function ledgerLines(steps: number): string {
  const side = Math.sign(steps);
  const lines: string[] = [];
  for (let at = STEPS_IN_STAFF / 2 + 2; at <= Math.abs(steps); at += 2) {
    lines.push(`M${-LEDGER} ${side * (Math.abs(steps) - at)}h${2 * LEDGER}`);
  }
  return lines.join("");
}

function stem({ quarters }: NextValue, isUp: boolean): string {
  if (quarters >= 4) return "";
  const [x, side] = isUp ? [1.2, -1] : [-1.2, 1];
  const flags = Math.min(FLAGS_MAX, Math.max(0, -Math.log2(quarters)));
  const tips = Array.from({ length: flags }, (_, at) => side * (STEM - 1.4 * at));
  const drawn = tips.map((tip) => `M${x} ${tip}q.2 ${-1.6 * side} 1.8 ${-3 * side}`);
  return `M${x} 0V${side * STEM}${drawn.join("")}`;
}

function dots({ dots: count }: NextValue): string {
  return Array.from({ length: count }, (_, at) => `M${2.4 + at} -.35h.01`).join("");
}
