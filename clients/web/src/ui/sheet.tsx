"use client";
import type { View } from "bandpro-score";
import {
  type MouseEvent,
  memo,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Desk, Desktop } from "../editing/desk.ts";
import { BLANK, type Sheet as Drawn, type DrawnRow, Engraver } from "../engraving/engraver.ts";
import type { Place } from "../engraving/places.ts";
import { type Window, Windows } from "../engraving/windows.ts";
import type { Writing } from "../engraving/writer.ts";
import type { FirstPictures } from "../session/first-pictures.ts";
import type { Person } from "../session/people.ts";
import type { Words } from "../words/words.ts";
import { Failed } from "./boundary.tsx";
import { drawnOf } from "./drawn.ts";
import { showEntered } from "./entered.ts";
import { pointedAt, pointOf, staffAt, staffOf } from "./pointing.ts";
import { useDragging } from "./use-dragging.ts";
import { usePen } from "./use-pen.ts";

interface Props {
  readonly desk: Desk;
  readonly desktop: Desktop;
  readonly people: readonly Person[];
  readonly marks: Marks;
  readonly canEdit: boolean;
  readonly pictures: FirstPictures | null;
  readonly words: Words;
  /** Told when all that is in sight is drawn of a view. */
  readonly onDrawn: (view: View) => void;
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
/** So many rows at the head of a score are kept as pictures. */
const FIRST_ROWS = 4;
const NO_PICTURES = Promise.resolve([]);
/** What was drawn before is on the screen by then. */
const PREPARED_AFTER_MS = 300;
const KEPT_AFTER_MS = 3_000;
/** Rows are drawn before they are seen. */
const MARGIN = "600px";
/** A click so near to a staff that hits nothing selects its measure, in steps of the staff. */
const BESIDE_STEPS = 3;

/** The engraved score: follows the document, the selection, the others and the playing. */
export function Sheet(props: Props) {
  const { desk, desktop, people, marks, canEdit, pictures, words, onDrawn } = props;
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const { writing, index, entered } = desktop;
  const [place] = desktop.selected;
  const { drawn, windows, tryAgain } = useDrawn(
    box,
    writing,
    width,
    place?.measure ?? null,
    pictures,
  );
  for (const name of MARKS) {
    // biome-ignore lint/correctness/useHookAtTopLevel: the same ones, in the same order, each time
    useMarks(box, drawn, name, marks[name]);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: frames are where the picture is
  useLayoutEffect(() => {
    if (box.current) showPeople(box.current, people);
  }, [drawn, width, people]);

  useLayoutEffect(() => {
    const isBehind = (measure: string) => {
      const window = windowWith(windows, measure);
      const row = drawn.rows.find((each) => each.key === window?.key);
      return row !== undefined && row.content !== null && row.content !== window?.content;
    };
    if (box.current) showEntered(box.current, index, entered, isBehind);
  }, [drawn, windows, index, entered]);
  useEffect(() => {
    // Of rows out of sight nothing is asked: what the engraver would be given is written when it is.
    const byKey = new Map(windows.map((window) => [window.key, window]));
    const isBehind = drawn.rows.some(
      ({ key, content }) => content !== null && content !== byKey.get(key)?.content,
    );
    if (!isBehind) onDrawn(index.view);
  }, [drawn, windows, index, onDrawn]);
  useSight(box, windows, place);

  const isPen = canEdit && desktop.isPen;
  useDragging(box, desk, canEdit && !isPen);
  const write = usePen(box, desk, isPen);
  const point = (event: MouseEvent) => {
    const id = box.current && pointedAt(event.nativeEvent, box.current);
    if (id) {
      desk.select(id, event.shiftKey);
      return;
    }
    const pointed = pointOf(event.nativeEvent);
    const drawn = pointed && staffAt(pointed, BESIDE_STEPS);
    const staff = drawn && staffOf(index, drawn);
    if (drawn && staff) desk.selectMeasure(drawn.measure, staff, event.shiftKey);
  };

  const { isDown, rows } = drawn;
  const told = writing.measures.length === 0 ? words.emptyScore : stateOf(drawn, words);

  return (
    <>
      {isDown ? (
        // Keys that press its buttons are none of the score's.
        // biome-ignore lint/a11y/noStaticElementInteractions: see above
        <div onKeyDown={(event) => event.stopPropagation()}>
          <Failed text={words.engraverFailed} words={words} onAgain={tryAgain} />
        </div>
      ) : null}
      {/* Keys are handled by the editor around it, which has the focus. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
      <div
        className={isPen ? "sheet is-pen" : "sheet"}
        ref={box}
        onClick={isPen ? write : point}
        data-testid="sheet"
      >
        {told === null ? null : <p className="quiet">{told}</p>}
        <div className="foreseen" aria-hidden="true" />
        {rows.map((row) => (
          <Row key={row.key} row={row} />
        ))}
      </div>
    </>
  );
}

/** What is said of rows that are not drawn, or not as they are by now. */
function stateOf({ isBehind, isDown, rows }: Drawn, words: Words): string | null {
  if (isDown) return null; // said by itself, with what one can do
  if (isBehind) return words.cannotDraw;
  return rows.every((row) => row.svg === null) ? words.notDrawnYet : null;
}

/** How wide an element is, in pixels; 0 before that is known. */
function useWidth(box: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

/**
 * The rows of a score, of which those in sight and near it are drawn.
 *
 * @param at the measure that somebody works in here.
 * @param pictures of the first rows, for the next time that the score is opened here.
 */
function useDrawn(
  box: RefObject<HTMLElement | null>,
  writing: Writing,
  width: number,
  at: string | null,
  pictures: FirstPictures | null,
): { drawn: Drawn; windows: readonly Window[]; tryAgain: () => void } {
  const engraver = useRef<Engraver | null>(null);
  const caster = useRef(new Windows());
  const [drawn, setDrawn] = useState(BLANK);
  const windows = useMemo(
    () => (width > 0 ? caster.current.cast(writing, unitsOf(width)) : []),
    [writing, width],
  );

  useEffect(() => {
    const made = new Engraver(setDrawn, pictures?.read ?? NO_PICTURES);
    engraver.current = made;
    return () => made.end();
  }, [pictures]);

  const hasDrawn = drawn.rows.some((row) => row.svg !== null);
  useEffect(() => {
    if (!hasDrawn) return;
    const keep = () => {
      const first = engraver.current?.first(FIRST_ROWS) ?? [];
      if (first.length > 0) void pictures?.write(first);
    };
    // As it is when it is left, and before, in case nothing can be written then.
    const left = () => document.hidden && keep();
    document.addEventListener("visibilitychange", left);
    const timers = [
      setTimeout(() => engraver.current?.prepare(), PREPARED_AFTER_MS),
      setTimeout(keep, KEPT_AFTER_MS),
    ];
    return () => {
      document.removeEventListener("visibilitychange", left);
      timers.forEach(clearTimeout);
      keep();
    };
  }, [hasDrawn, pictures]);

  useEffect(() => {
    const first = at === null ? undefined : windowWith(windows, at);
    engraver.current?.show(windows, first?.key ?? null);
  }, [windows, at]);

  // Which rows there are, as text: pictures that come change nothing in what is watched.
  const keys = drawn.rows.map((row) => row.key).join(" ");
  // biome-ignore lint/correctness/useExhaustiveDependencies: other rows are watched then
  useEffect(() => {
    const inSight = new Set<string>();
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const key = (target as HTMLElement).dataset["row"] ?? "";
          if (isIntersecting) inSight.add(key);
          else inSight.delete(key);
        }
        engraver.current?.look(new Set(inSight));
      },
      { rootMargin: MARGIN },
    );
    for (const row of box.current?.querySelectorAll("[data-row]") ?? []) observer.observe(row);
    return () => observer.disconnect();
  }, [box, keys]);

  return { drawn, windows, tryAgain: () => engraver.current?.tryAgain() };
}

/** How many units of the engraver a page has that is so many pixels wide. */
function unitsOf(width: number): number {
  const scale = width < NARROW_PX ? NARROW_UNITS_PER_PIXEL : UNITS_PER_PIXEL;
  return Math.max(UNITS_MIN, Math.min(UNITS_MAX, Math.round(width * scale)));
}

function windowWith(windows: readonly Window[], measure: string): Window | undefined {
  return windows.find((window) => window.measures.includes(measure));
}

/** Brings what is selected into sight, once, when that becomes something else. */
function useSight(
  box: RefObject<HTMLElement | null>,
  windows: readonly Window[],
  place: Place | undefined,
): void {
  const id = place?.id;
  const before = useRef<string | undefined>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: edits of others move nothing
  useEffect(() => {
    // What is selected with the first focus lies elsewhere than where somebody points.
    const isFirst = before.current === undefined;
    before.current = id;
    if (isFirst) return;
    const key = windowWith(windows, place?.measure ?? "")?.key;
    const row = [...(box.current?.querySelectorAll<HTMLElement>("[data-row]") ?? [])].find(
      (each) => each.dataset["row"] === key,
    );
    if (!row || !box.current || id === undefined) return;
    const { top, bottom } = (drawnOf(box.current, id) ?? row).getBoundingClientRect();
    // The palette stays at the upper edge, over what is scrolled there.
    const palette = document.querySelector(".palette")?.getBoundingClientRect();
    const covered = palette && palette.top <= 0 ? Math.max(0, palette.bottom) : 0;
    if (bottom < covered || top > innerHeight) row.scrollIntoView({ block: "nearest" });
  }, [id]);
}

const Row = memo(function Row({ row }: { readonly row: DrawnRow }) {
  const box = useRef<HTMLDivElement>(null);
  const { key, svg, ratio } = row;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (svg === null) {
      element.replaceChildren();
      return;
    }
    const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
    parsed.setAttribute("aria-hidden", "true");
    element.replaceChildren(document.adoptNode(parsed));
  }, [svg]);
  // Rows keep their height while nobody sees them, so that nothing moves when they come back.
  const style = { aspectRatio: String(1 / ratio) };
  return <div className="page" ref={box} data-row={key} style={style} />;
});

/** Keeps a class on the elements with these ids, over each new picture. */
function useMarks(
  box: RefObject<HTMLDivElement | null>,
  drawn: Drawn,
  name: string,
  ids: readonly string[],
): void {
  // To look for them by their class would be to look at all that is drawn.
  const marked = useRef<ReadonlySet<Element>>(new Set());
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new picture has no marks
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const wanted = new Set(ids.map((id) => drawnOf(element, id)).filter((found) => found !== null));
    for (const each of marked.current) {
      if (!wanted.has(each)) each.classList.remove(name);
    }
    for (const each of wanted) each.classList.add(name);
    marked.current = wanted;
  }, [box, drawn, name, ids]);
}

/** A frame with the name of its owner around what others have selected. */
function showPeople(box: HTMLElement, people: readonly Person[]): void {
  for (const old of box.querySelectorAll(".peer")) old.remove();
  for (const person of people) {
    const drawn = person.selected
      .map((id) => drawnOf(box, id))
      .filter((element) => element !== null);
    for (const [index, element] of drawn.entries()) {
      const row = element.closest(".page");
      if (row) row.append(frameOf(person, element, row, index === 0));
    }
  }
}

function frameOf(person: Person, element: Element, row: Element, hasName: boolean): HTMLElement {
  const [rect, around] = [element.getBoundingClientRect(), row.getBoundingClientRect()];
  const frame = document.createElement("div");
  frame.className = "peer";
  frame.dataset["person"] = String(person.client);
  frame.style.setProperty("--peer", person.color);
  frame.style.left = `${rect.left - around.left - 4}px`;
  frame.style.top = `${rect.top - around.top - 4}px`;
  frame.style.width = `${rect.width + 8}px`;
  frame.style.height = `${rect.height + 8}px`;
  if (hasName) {
    const name = document.createElement("span");
    name.textContent = person.name;
    frame.append(name);
  }
  return frame;
}
