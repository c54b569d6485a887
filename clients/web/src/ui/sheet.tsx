"use client";
import {
  type MouseEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { BLANK, Engraver } from "../engraving/engraver.ts";
import type { Person } from "../session/people.ts";
import type { Words } from "../words/words.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly people: readonly Person[];
  readonly marks: Marks;
  readonly words: Words;
}

/** Classes, each with the ids of the elements that have it; the classes stay the same. */
export type Marks = Readonly<Record<(typeof MARKS)[number], readonly string[]>>;

const MARKS = [
  "is-selected",
  "is-caret",
  "has-comment",
  "is-playing",
  "is-added",
  "is-removed",
  "is-changed",
] as const;
const UNITS_PER_PIXEL = 2.5;
const NARROW_UNITS_PER_PIXEL = 3;
const NARROW_PX = 620;
const UNITS_MIN = 700;
const UNITS_MAX = 5_000;
const REACH_PX = 40;
const POINTED = ".note, .rest, .mRest";

/** The engraved score: follows the document, the selection, the others and the playing. */
export function Sheet({ desk, desktop, people, marks, words }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const engraver = useRef<Engraver | null>(null);
  const [drawn, setDrawn] = useState(BLANK);
  const [width, setWidth] = useState(0);
  const { mei } = desktop.engraving;

  useEffect(() => {
    const made = new Engraver(setDrawn);
    engraver.current = made;
    return () => made.end();
  }, []);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (mei !== "" && width > 0) {
      const scale = width < NARROW_PX ? NARROW_UNITS_PER_PIXEL : UNITS_PER_PIXEL;
      const units = Math.round(width * scale);
      engraver.current?.draw(mei, Math.max(UNITS_MIN, Math.min(UNITS_MAX, units)));
    }
  }, [mei, width]);

  const want = useCallback((page: number) => engraver.current?.want(page), []);
  const point = (event: MouseEvent) => {
    const id = pointedAt(event, box.current);
    if (id !== null) {
      desk.select(id, event.shiftKey);
    }
  };

  const { isBehind, pages } = drawn;
  const told =
    mei === ""
      ? words.emptyScore
      : isBehind
        ? words.cannotDraw
        : pages.length === 0
          ? words.notDrawnYet
          : null;

  return (
    // Keys are handled by the editor around it, which has the focus.
    // biome-ignore lint/a11y/noStaticElementInteractions: see above
    // biome-ignore lint/a11y/useKeyWithClickEvents: see above
    <div className="sheet" ref={box} onClick={point} data-testid="sheet">
      {told === null ? null : <p className="quiet">{told}</p>}
      {pages.map((svg, page) => (
        <Page
          // biome-ignore lint/suspicious/noArrayIndexKey: pages are known by their number
          key={page}
          page={page}
          svg={svg}
          width={width}
          want={want}
          people={people}
          marks={marks}
        />
      ))}
    </div>
  );
}

interface PageProps {
  readonly page: number;
  readonly svg: string | null;
  /** Of the sheet, in pixels. */
  readonly width: number;
  readonly want: (page: number) => void;
  readonly people: readonly Person[];
  readonly marks: Marks;
}

function Page({ page, svg, width, want, people, marks }: PageProps) {
  const box = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = box.current;
    if (!element || svg !== null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) want(page);
      },
      { rootMargin: "600px" },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [page, svg, want]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || svg === null) return;
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    parsed.setAttribute("aria-hidden", "true");
    element.replaceChildren(document.importNode(parsed, true));
  }, [svg]);

  for (const name of MARKS) {
    // biome-ignore lint/correctness/useHookAtTopLevel: the same ones, in the same order, each time
    useMarks(box, svg, name, marks[name]);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: frames are where the picture is
  useLayoutEffect(() => {
    if (box.current) showPeople(box.current, people);
  }, [svg, width, people]);

  return <div className="page" ref={box} />;
}

/** Keeps a class on the elements with these ids, over each new picture. */
function useMarks(
  box: RefObject<HTMLDivElement | null>,
  svg: string | null,
  name: string,
  ids: readonly string[],
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new picture has no marks
  useLayoutEffect(() => {
    if (box.current) mark(box.current, name, ids);
  }, [box, svg, name, ids]);
}

/** Gives a class to the elements with these ids, and takes it from all others. */
function mark(box: HTMLElement, name: string, ids: readonly string[]): void {
  const wanted = new Set(ids);
  for (const element of box.querySelectorAll(`.${name}`)) {
    if (!wanted.has(element.id)) element.classList.remove(name);
  }
  for (const id of wanted) {
    drawnOf(box, id)?.classList.add(name);
  }
}

/** Browsers know elements by `#id`; other selectors look at all of them. */
function drawnOf(box: HTMLElement, id: string): Element | null {
  return id === "" ? null : box.querySelector(`#${CSS.escape(id)}`);
}

/** A frame with the name of its owner around what others have selected. */
function showPeople(box: HTMLElement, people: readonly Person[]): void {
  for (const old of box.querySelectorAll(".peer")) old.remove();
  const around = box.getBoundingClientRect();
  for (const person of people) {
    const rects = person.selected
      .map((id) => drawnOf(box, id)?.getBoundingClientRect())
      .filter((rect) => rect !== undefined);
    for (const [index, rect] of rects.entries()) {
      const frame = document.createElement("div");
      frame.className = "peer";
      frame.dataset["person"] = String(person.client);
      frame.style.setProperty("--peer", person.color);
      frame.style.left = `${rect.left - around.left - 4}px`;
      frame.style.top = `${rect.top - around.top - 4}px`;
      frame.style.width = `${rect.width + 8}px`;
      frame.style.height = `${rect.height + 8}px`;
      if (index === 0) {
        const name = document.createElement("span");
        name.textContent = person.name;
        frame.append(name);
      }
      box.append(frame);
    }
  }
}

/** The note or rest that was pointed at, or the nearest one within reach of a finger. */
function pointedAt(event: MouseEvent, box: HTMLElement | null): string | null {
  const target = event.target instanceof Element ? event.target.closest(POINTED) : null;
  if (target?.id) return target.id;
  let [best, least]: [string | null, number] = [null, REACH_PX];
  for (const element of box?.querySelectorAll(POINTED) ?? []) {
    const rect = element.getBoundingClientRect();
    const across = Math.max(rect.left - event.clientX, 0, event.clientX - rect.right);
    const down = Math.max(rect.top - event.clientY, 0, event.clientY - rect.bottom);
    const distance = Math.hypot(across, down);
    if (distance < least && element.id) [best, least] = [element.id, distance];
  }
  return best;
}
