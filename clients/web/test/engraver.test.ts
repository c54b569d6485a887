import { afterEach, expect, test, vi } from "vitest";
import {
  type Answer,
  Engraver,
  type Question,
  type RowToDraw,
  type Sheet,
} from "../src/engraving/engraver.ts";
import { PICTURES_MAX } from "../src/engraving/pictures.ts";

/** Stands in for the worker: holds what it is asked, and answers when it is told to. */
class Hands {
  static last: Hands;
  readonly asked: Question[] = [];
  onmessage: (event: { data: Answer }) => void = () => undefined;

  constructor() {
    Hands.last = this;
  }

  postMessage(question: Question): void {
    this.asked.push(question);
  }

  terminate(): void {}

  /** Draws what was asked for last: its text, in capitals. */
  draw(): void {
    const { number, mei } = this.asked.at(-1) ?? { number: 0, mei: "" };
    this.onmessage({ data: { number, picture: { svg: mei.toUpperCase(), ratio: 0.5 } } });
  }

  fail(): void {
    this.onmessage({ data: { number: this.asked.at(-1)?.number ?? 0, picture: null } });
  }
}

function begun(): { engraver: Engraver; worker: Hands; sheets: Sheet[] } {
  vi.stubGlobal("Worker", Hands);
  const sheets: Sheet[] = [];
  const engraver = new Engraver((sheet) => sheets.push(sheet));
  return { engraver, worker: Hands.last, sheets };
}

/** Rows with the keys 1, 2, 3 ... of these texts. */
function rows(...texts: readonly string[]): RowToDraw[] {
  return texts.map((text, at) => ({
    ...{ key: String(at + 1), page: 1, width: 2_000 },
    ...{ text, content: text },
  }));
}

const drawn = (sheets: readonly Sheet[]) => sheets.at(-1)?.rows.map((row) => row.svg);
const asked = (worker: Hands) => worker.asked.map((question) => question.mei);

afterEach(() => {
  vi.unstubAllGlobals();
});

test("only rows in sight are drawn, that of the cursor first, one after the other", () => {
  const { engraver, worker, sheets } = begun();
  engraver.look(new Set(["1", "3"]));
  engraver.show(rows("a", "b", "c"), "3");
  expect(asked(worker)).toEqual(["c"]);
  worker.draw();
  worker.draw();
  expect(asked(worker)).toEqual(["c", "a"]);
  expect(drawn(sheets)).toEqual(["A", null, "C"]);
});

test("only the newest of the states that wait is drawn, and until then the older picture stays", () => {
  const { engraver, worker, sheets } = begun();
  engraver.look(new Set(["1"]));
  engraver.show(rows("a"), null);
  worker.draw();
  for (const text of ["b", "c", "d"]) engraver.show(rows(text), null);
  expect(drawn(sheets)).toEqual(["A"]);
  worker.draw();
  worker.draw();
  expect(asked(worker)).toEqual(["a", "b", "d"]);
  expect(drawn(sheets)).toEqual(["D"]);
});

test("what was drawn before is not drawn again: after undo, and when it comes back into sight", () => {
  const { engraver, worker, sheets } = begun();
  engraver.look(new Set(["1"]));
  engraver.show(rows("a"), null);
  worker.draw();
  engraver.show(rows("b"), null);
  worker.draw();
  engraver.show(rows("a"), null);
  expect(drawn(sheets)).toEqual(["A"]);
  engraver.look(new Set());
  expect(drawn(sheets)).toEqual([null]);
  expect(sheets.at(-1)?.rows[0]?.ratio).toBe(0.5);
  engraver.look(new Set(["1"]));
  expect(drawn(sheets)).toEqual(["A"]);
  expect(asked(worker)).toEqual(["a", "b"]);
});

test("no more pictures are kept than may be: what was asked for longest ago is drawn again", () => {
  const { engraver, worker } = begun();
  engraver.look(new Set(["1"]));
  const texts = Array.from({ length: PICTURES_MAX + 1 }, (_, at) => `t${at}`);
  for (const text of [...texts, "t1", "t0"]) {
    engraver.show(rows(text), null);
    worker.draw();
  }
  expect(asked(worker)).toEqual([...texts, "t0"]);
});

test("what cannot be drawn is told, and what comes after it is drawn", () => {
  const { engraver, worker, sheets } = begun();
  engraver.look(new Set(["1"]));
  engraver.show(rows("a"), null);
  worker.draw();
  engraver.show(rows("b"), null);
  worker.fail();
  expect([drawn(sheets), sheets.at(-1)?.isBehind]).toEqual([["A"], true]);
  engraver.show(rows("c"), null);
  worker.draw();
  expect([drawn(sheets), sheets.at(-1)?.isBehind]).toEqual([["C"], false]);
});
