// How the drivers talk with a test: JSON lines both ways over a socket, which is standard input.
//
// A request is {"id", "op", ...}; its answer {"id", "result"} or {"id", "error"}. `until` is answered
// when something has come to be as asked, looked at whenever anything happens.

import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

const waiting = new Set();

// Waits for a value, or for what it has at a path, to be as `is` says.
export function until(read, { path = [], is, within = 20_000 }) {
  const reach = () => path.reduce((value, key) => value?.[key], read()) ?? null;
  return waitFor(() => holds(reach(), is), within, () => JSON.stringify(reach())?.slice(0, 400));
}

function holds(found, { equals, differs, atLeast, present, contains }) {
  if (equals !== undefined) return isDeepStrictEqual(JSON.parse(JSON.stringify(found)), equals);
  if (differs !== undefined) return found !== differs;
  if (atLeast !== undefined) return found >= atLeast;
  if (present !== undefined) return (found !== null) === present;
  return JSON.stringify(found)?.includes(contains) ?? false;
}

function waitFor(condition, within, describe) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      waiting.delete(entry);
      if (waiting.size === 0) clearInterval(glances);
      settle(value);
    };
    const give = (why) => end(reject, new Error(`${why}; it is ${describe()}`));
    const timer = setTimeout(() => give(`not within ${within} ms`), within);
    const entry = { condition, hold: () => end(resolve, true), give };
    // Some changes raise no event, such as a socket that closes while it is being opened.
    if (waiting.size === 0) glances = setInterval(look, 100);
    waiting.add(entry);
    look();
  });
}

// Nobody waits any more for what was asked for.
export function giveUp() {
  for (const { give } of [...waiting]) give("given up");
}

let glances;
let looking = false;

// Looks at all conditions once the present turn is over: events fire while a state half changes.
export function look() {
  if (looking) return;
  looking = true;
  setImmediate(() => {
    looking = false;
    for (const { condition, hold } of [...waiting]) if (condition()) hold();
  });
}

// Answers requests with `handle(op, details)`.
export function serve(handle) {
  const test = new Socket({ fd: 0 });
  const answer = async (line) => {
    const { id, op, ...details } = JSON.parse(line);
    try {
      const result = (await handle(op, details)) ?? null;
      test.write(`${JSON.stringify({ id, result })}\n`);
    } catch (error) {
      test.write(`${JSON.stringify({ id, error: error.stack ?? String(error) })}\n`);
    }
  };
  const lines = createInterface({ input: test });
  lines.on("line", answer);
  // Whoever started this has gone or is done.
  lines.on("close", () => process.exit(0));
}
