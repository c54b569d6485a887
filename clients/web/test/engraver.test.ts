import { afterEach, expect, test, vi } from "vitest";
import { type Answer, Engraver, type Question, type Sheet } from "../src/engraving/engraver.ts";

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

  answer(data: Answer): void {
    this.onmessage({ data });
  }
}

function begun(): { engraver: Engraver; worker: Hands; sheets: Sheet[] } {
  vi.stubGlobal("Worker", Hands);
  const sheets: Sheet[] = [];
  const engraver = new Engraver((sheet) => sheets.push(sheet));
  return { engraver, worker: Hands.last, sheets };
}

afterEach(() => {
  vi.unstubAllGlobals();
});

test("only the newest of the states that wait is drawn", () => {
  const { engraver, worker } = begun();
  for (const mei of ["a", "b", "c"]) engraver.draw(mei, 2_000);
  worker.answer({ kind: "loaded", number: 1, pages: 1, first: "A" });
  expect(worker.asked).toEqual([
    { kind: "load", mei: "a", width: 2_000, number: 1 },
    { kind: "load", mei: "c", width: 2_000, number: 2 },
  ]);
});

test("a page that is seen and was not drawn before the next state is drawn in that one", () => {
  const { engraver, worker, sheets } = begun();
  engraver.draw("a", 2_000);
  worker.answer({ kind: "loaded", number: 1, pages: 3, first: "A1" });
  engraver.want(1);
  engraver.draw("b", 2_000);
  // The worker leaves the question for the older state out.
  worker.answer({ kind: "loaded", number: 2, pages: 3, first: "B1" });
  expect(worker.asked.at(-1)).toEqual({ kind: "page", page: 1, number: 2 });
  worker.answer({ kind: "page", page: 1, number: 2, svg: "B2" });
  expect(sheets.at(-1)).toEqual({ number: 2, isBehind: false, pages: ["B1", "B2", null] });
});

test("what cannot be drawn is told, and what comes after it is drawn", () => {
  const { engraver, worker, sheets } = begun();
  engraver.draw("a", 2_000);
  worker.answer({ kind: "loaded", number: 1, pages: 1, first: "A" });
  engraver.draw("b", 2_000);
  worker.answer({ kind: "failed", number: 2 });
  expect(sheets.at(-1)).toEqual({ number: 1, isBehind: true, pages: ["A"] });
  engraver.draw("c", 2_000);
  worker.answer({ kind: "loaded", number: 3, pages: 1, first: "C" });
  expect(sheets.at(-1)).toEqual({ number: 3, isBehind: false, pages: ["C"] });
});
