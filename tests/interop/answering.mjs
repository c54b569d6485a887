// How the drivers talk with a test: JSON lines in on standard input, JSON lines out.
//
// A request is {"id", "op", ...}; its answer {"id", "result"} or {"id", "error"}. `until` is answered
// when something has come to be as asked, looked at whenever anything happens.

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
    const timer = setTimeout(() => {
      waiting.delete(entry);
      reject(new Error(`not within ${within} ms; it is ${describe()}`));
    }, within);
    const hold = () => {
      clearTimeout(timer);
      resolve(true);
    };
    const entry = { condition, hold };
    waiting.add(entry);
    look();
  });
}

let looking = false;

// Looks at all conditions once the present turn is over: events fire while a state half changes.
export function look() {
  if (looking) return;
  looking = true;
  setImmediate(() => {
    looking = false;
    for (const entry of waiting) {
      if (entry.condition()) {
        waiting.delete(entry);
        entry.hold();
      }
    }
  });
}
// Some changes raise no event, such as a socket that closes while it is being opened.
setInterval(look, 100);

// Answers requests with `handle(op, details)`; `name` says who is ready to.
export function serve(name, handle) {
  const answer = async (line) => {
    const { id, op, ...details } = JSON.parse(line);
    try {
      const result = (await handle(op, details)) ?? null;
      process.stdout.write(`${JSON.stringify({ id, result })}\n`);
    } catch (error) {
      process.stdout.write(`${JSON.stringify({ id, error: error.stack ?? String(error) })}\n`);
    }
  };
  const lines = createInterface({ input: process.stdin });
  lines.on("line", answer);
  // Whoever started this has gone or is done.
  lines.on("close", () => process.exit(0));
  process.stdout.write(`${JSON.stringify({ ready: name })}\n`);
}
