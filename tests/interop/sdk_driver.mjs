// Holds scores of the built SDK (clients/sdk) on behalf of a test; requests and answers as in
// answering.mjs. `name` names one of the scores opened here.

import { createRequire } from "node:module";
import { look, serve, until } from "./answering.mjs";
import { WebSocket as NodeWebSocket } from "./providers.mjs";

const sdk = await import("../../clients/sdk/dist/index.js");
const hooks = await import("../../clients/sdk/dist/react/index.js");
// The SDK's own copies: React must be there once.
const required = createRequire(new URL("../../clients/sdk/package.json", import.meta.url));
const { createElement, StrictMode, useEffect } = required("react");
const { create } = required("react-test-renderer");
const { renderToString } = required("react-dom/server");

const problems = [];
process.on("unhandledRejection", (reason) => problems.push(`unhandled: ${reason}`));
for (const level of ["log", "info", "warn", "error"]) {
  console[level] = (...parts) => {
    // It says so of itself, and is all that React needs here: no page is looked at.
    if (parts.join(" ").includes("react-test-renderer is deprecated")) return;
    problems.push(`console: ${parts.map(String).join(" ")}`);
  };
}

// Counts what is opened, whoever opens it.
let sockets = 0;
class WebSocket extends NodeWebSocket {
  constructor(...details) {
    super(...details);
    sockets += 1;
  }
}

const kept = new Map();
const device = sdk.keyValue({
  getItem: (key) => kept.get(key) ?? null,
  setItem: (key, value) => kept.set(key, value),
  removeItem: (key) => kept.delete(key),
});
let token;
const options = ({ offline = false } = {}) => ({
  WebSocket,
  ...(token === undefined ? {} : { token: () => token }),
  offline: offline ? device : null,
  onProblem: (problem) => {
    problems.push(`${problem.code}: ${problem.message}`);
    look();
  },
});

const scores = new Map();
function watch(name, score) {
  scores.set(name, score);
  const stores = [score.connection, score.saved, score.revision, score.replaced];
  for (const store of [...stores, score.presence.people]) store.subscribe(look);
}

const PARTS = {
  connection: (score) => score.connection.get(),
  saved: (score) => score.saved.get(),
  replaced: (score) => score.replaced.get(),
  view: (score) => sdk.viewJson(score.view.get()),
  history: (score) => score.history.state.get(),
  people: (score) => score.presence.people.get(),
  title: (score) => score.facets.meta.get("title") ?? null,
  threads: (score) => score.comments.threads.get(),
  sockets: () => sockets,
  problems: () => problems,
  kept: () => [...kept.values()].map((text) => Buffer.from(text, "base64").toString("latin1")),
  shown: () => shown,
};

let root = null;
let shown = [];
let mounted = 0;

// What applications do: components that each use the score for themselves.
function Screen({ url, room, numbers }) {
  return numbers.map((number) => createElement(Panel, { key: number, url, room, number }));
}
function Panel({ url, room, number }) {
  const score = hooks.useScore(url, room, options());
  const view = hooks.useView(score);
  const threads = hooks.useComments(score);
  const { people } = hooks.usePresence(score);
  const told = [
    hooks.useConnection(score).state,
    hooks.useSaved(score).state,
    view?.measures.length ?? 0,
    threads.length,
    people.length,
    hooks.useHistory(score).canUndo,
  ];
  useEffect(() => {
    mounted += 1;
    return () => {
      mounted -= 1;
      look();
    };
  }, []);
  shown[number] = told;
  look();
  return createElement("p", null, told.join(" "));
}
const screen = (details) =>
  createElement(StrictMode, null, createElement(Screen, { numbers: [0, 1, 2], ...details }));

const OPS = {
  token: (_, given) => {
    token = given.token;
  },
  open: (_, { name = "main", url, room, offline }) => {
    watch(name, sdk.openScore(url, room, options({ offline })));
  },
  create: (_, { url, room, ...what }) => sdk.openLibrary(url, options()).create(room, what),
  edit: (score, { operations }) => score.edit(...operations),
  undo: (score) => score.history.undo(),
  redo: (score) => score.history.redo(),
  show: (score, { part }) => score.presence.show(part),
  pause: (score) => score.pause(),
  retry: (score) => score.retry(),
  close: (score) => score.close(),
  whenSaved: (score) => score.whenSaved(),
  // The code of a typed error, for what must not succeed.
  refused: async (score, { of, ...details }) => {
    try {
      await OPS[of](score, details);
    } catch (error) {
      return [error.name, error.code, error.status ?? null];
    }
    throw new Error(`${of} was not refused`);
  },
  begin: (score, { text, place }) => score.comments.begin(text, place),
  reply: (score, { thread, text }) => score.comments.reply(thread, text),
  watchComments: (score) => void score.comments.threads.subscribe(look),
  keep: (score, { title }) => score.versions.keep(title),
  versionView: async (score, { version }) => sdk.viewJson(await score.versions.view(version)),
  restore: (score, { version }) => score.versions.restore(version),
  export: async (score, { format }) => {
    const states = [];
    const job = await score.jobs.export({ format }, { onProgress: (now) => states.push(now.state) });
    const file = await (await fetch(job.files[0].url)).text();
    return { states, file };
  },
  mount: (_, details) => {
    root = create(screen(details), { unstable_isConcurrent: true });
  },
  // As fast refresh does: everything goes and comes back.
  remount: async (_, details) => {
    root.update(screen({ ...details, numbers: [] }));
    await until(() => mounted, { is: { equals: 0 } });
    shown = [];
    root.update(screen(details));
  },
  unmount: () => root.unmount(),
  renderOnServer: (_, details) => renderToString(screen(details)),
  state: (score, { part }) => PARTS[part](score),
  until: (score, { part, ...is }) => until(() => PARTS[part](score), is),
};

serve((op, details) => OPS[op](scores.get(details.name ?? "main"), details));
