import { afterEach, expect, test, vi } from "vitest";
import {
  type Answer,
  Engraver,
  type Question,
  type RowToDraw,
  type Sheet,
} from "../src/engraving/engraver.ts";
import { type Drawn, PICTURES_MAX } from "../src/engraving/pictures.ts";
import { engraverWorker } from "../src/engraving/shared.ts";

/** What the page has its worker by. */
const HELD = Symbol.for("bandpro.engraver");

/** Stands in for the worker: holds what it is asked, and answers when it is told to. */
class Hands extends EventTarget {
  readonly asked: Question[] = [];
  hasEnded = false;

  postMessage(question: Question): void {
    this.asked.push(question);
  }

  terminate(): void {
    this.hasEnded = true;
  }

  /** Draws what was asked for, last unless said otherwise: its text, in capitals. */
  draw({ number, mei } = this.asked.at(-1) ?? { number: 0, mei: "" }): void {
    this.#tell({ number, picture: { svg: mei.toUpperCase(), ratio: 0.5 } });
  }

  fail(): void {
    this.#tell({ number: this.asked.at(-1)?.number ?? 0, picture: null });
  }

  /** Ends as a worker does that cannot be loaded or crashes; true for an error that nobody took. */
  crash(name = "error"): boolean {
    return this.dispatchEvent(new Event(name, { cancelable: true }));
  }

  #tell(data: Answer): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

async function begun(
  known: readonly Drawn[] = [],
): Promise<{ engraver: Engraver; worker: Hands; sheets: Sheet[] }> {
  vi.stubGlobal("Worker", Hands);
  const sheets: Sheet[] = [];
  const engraver = new Engraver((sheet) => sheets.push(sheet), Promise.resolve(known));
  await Promise.resolve();
  return { engraver, worker: engraver.prepare() as unknown as Hands, sheets };
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
  Reflect.deleteProperty(globalThis, HELD);
});

test("only rows in sight are drawn, that of the cursor first, one after the other", async () => {
  const { engraver, worker, sheets } = await begun();
  engraver.look(new Set(["1", "3"]));
  engraver.show(rows("a", "b", "c"), "3");
  expect(asked(worker)).toEqual(["c"]);
  worker.draw();
  worker.draw();
  expect(asked(worker)).toEqual(["c", "a"]);
  expect(drawn(sheets)).toEqual(["A", null, "C"]);
});

test("only the newest of the states that wait is drawn, and until then the older picture stays", async () => {
  const { engraver, worker, sheets } = await begun();
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

test("what was drawn before is not drawn again: after undo, and when it comes back into sight", async () => {
  const { engraver, worker, sheets } = await begun();
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

test("no more pictures are kept than may be: what was asked for longest ago is drawn again", async () => {
  const { engraver, worker } = await begun();
  engraver.look(new Set(["1"]));
  const texts = Array.from({ length: PICTURES_MAX + 1 }, (_, at) => `t${at}`);
  for (const text of [...texts, "t1", "t0"]) {
    engraver.show(rows(text), null);
    worker.draw();
  }
  expect(asked(worker)).toEqual([...texts, "t0"]);
});

test("what cannot be drawn is told, and what comes after it is drawn", async () => {
  const { engraver, worker, sheets } = await begun();
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

test("rows that were drawn in an earlier visit are there without the engraver, if they are the same", async () => {
  const before: Drawn[] = ["a", "b"].map((content) => ({
    ...{ content, picture: { svg: `${content} before`, ratio: 0.4 } },
  }));
  const { engraver, worker, sheets } = await begun(before);
  engraver.look(new Set(["1", "2"]));
  engraver.show(rows("a", "c"), null);
  expect(drawn(sheets)).toEqual(["a before", null]);
  expect(asked(worker)).toEqual(["c"]);
  expect(engraver.first(2)).toEqual(before.slice(0, 1));
});

test("before the page tells what is in sight, the first row is drawn", async () => {
  const { engraver, worker } = await begun();
  engraver.show(rows("a", "b"), null);
  worker.draw();
  expect(asked(worker)).toEqual(["a"]);
});

test("an answer to the engraver of another score is none to the next", async () => {
  const { engraver, worker } = await begun();
  engraver.look(new Set(["1"]));
  engraver.show(rows("a"), null);
  engraver.end();
  const { engraver: next, worker: same, sheets } = await begun();
  next.look(new Set(["1"]));
  next.show(rows("b"), null);
  const [late, own] = same.asked;
  same.draw(late);
  expect([same === worker, drawn(sheets)]).toEqual([true, [null]]);
  same.draw(own);
  expect(drawn(sheets)).toEqual(["B"]);
});

test.each(["error", "messageerror"])(
  "who waits for a worker that ends by %s is told, and has another one by trying again",
  async (name) => {
    const { engraver, worker, sheets } = await begun();
    engraver.look(new Set(["1", "2"]));
    engraver.show(rows("a", "b"), null);
    worker.draw();
    expect([worker.crash(name), worker.hasEnded]).toEqual([false, true]);
    expect([drawn(sheets), sheets.at(-1)?.isDown]).toEqual([["A", null], true]);
    engraver.show(rows("a", "c"), null);
    expect(Reflect.get(globalThis, HELD)).toBeUndefined();
    // Begun for what comes, it ends like the first: what was asked for is waited for still.
    (engraver.prepare() as unknown as Hands).crash(name);
    expect(sheets.at(-1)?.isDown).toBe(true);
    engraver.tryAgain();
    expect(sheets.at(-1)?.isDown).toBe(false);
    const next = engraver.prepare() as unknown as Hands;
    expect([next === worker, asked(next)]).toEqual([false, ["c"]]);
    next.draw();
    expect(drawn(sheets)).toEqual(["A", "C"]);
    worker.draw();
    expect([drawn(sheets), sheets.at(-1)?.isDown]).toEqual([["A", "C"], false]);
  },
);

test("a worker that ends while nobody waits for it is replaced without a word", async () => {
  const { engraver, worker, sheets } = await begun();
  engraver.look(new Set(["1"]));
  engraver.show(rows("a"), null);
  worker.draw();
  worker.crash();
  engraver.show(rows("b"), null);
  const next = engraver.prepare() as unknown as Hands;
  next.draw();
  expect([next === worker, drawn(sheets)]).toEqual([false, ["B"]]);
  expect(sheets.some((sheet) => sheet.isDown)).toBe(false);
});

test("a worker that failed before anybody could hear it is not the one that is asked", async () => {
  vi.stubGlobal("Worker", Hands);
  const early = engraverWorker("worker.js") as unknown as Hands;
  expect(early.crash()).toBe(false);
  const { engraver, worker } = await begun();
  engraver.show(rows("a"), null);
  expect([worker === early, asked(worker)]).toEqual([false, ["a"]]);
});

test("a score that is open after another one was left with a worker that ended has its own", async () => {
  const { engraver, worker, sheets } = await begun();
  engraver.show(rows("a"), null);
  engraver.end();
  worker.crash();
  const { engraver: next, worker: other, sheets: shown } = await begun();
  next.show(rows("b"), null);
  other.draw();
  expect([drawn(shown), drawn(sheets)]).toEqual([["B"], [null]]);
});

test("the first rows are kept from where they went out of sight, and none without the very first", async () => {
  const { engraver, worker } = await begun();
  engraver.look(new Set(["1", "2"]));
  engraver.show(rows("a", "b", "c"), null);
  worker.draw();
  worker.draw();
  engraver.look(new Set(["3"]));
  worker.draw();
  const contents = () => engraver.first(3).map(({ content }) => content);
  expect(contents()).toEqual(["a", "b", "c"]);
  engraver.show(rows("a", "new", "c"), null);
  expect(contents()).toEqual(["a"]);
  engraver.show(rows("new", "b", "c"), null);
  expect(contents()).toEqual([]);
});

test("a score that was left before its kept pictures came asks for nothing", async () => {
  vi.stubGlobal("Worker", Hands);
  let come = (_: readonly Drawn[]): void => undefined;
  const known = new Promise<readonly Drawn[]>((resolve) => {
    come = resolve;
  });
  const sheets: Sheet[] = [];
  const engraver = new Engraver((sheet) => sheets.push(sheet), known);
  engraver.show(rows("a"), null);
  const told = sheets.length;
  engraver.end();
  come([]);
  await known;
  await Promise.resolve();
  expect([Reflect.get(globalThis, HELD), sheets.length]).toEqual([undefined, told]);
});

test("a note that is called as anything of the page is not taken for the worker", async () => {
  for (const name of ["bandproEngraver", "engraver", "bandpro.engraver"]) {
    vi.stubGlobal(name, { addEventListener: () => undefined });
  }
  const { engraver, worker } = await begun();
  engraver.show(rows("a"), null);
  expect([worker instanceof Hands, asked(worker)]).toEqual([true, ["a"]]);
});
