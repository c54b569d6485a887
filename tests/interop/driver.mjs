// Holds stock clients on behalf of a test; requests and answers as in answering.mjs.
//
//   node driver.mjs --client y-websocket-3
//
// `doc` names one of the documents opened here, `main` unless given.

import { parseArgs } from "node:util";
import { giveUp, look, serve, until } from "./answering.mjs";
import { CLIENTS, cutAll, WebSocket } from "./providers.mjs";

// Without a WebSocketPolyfill of its own, version 2 of the Hocuspocus provider looks here.
globalThis.WebSocket = WebSocket;

const { values: args } = parseArgs({ options: { client: { type: "string" } } });
const warnings = [];
for (const level of ["log", "info", "warn", "error"]) {
  console[level] = (...parts) => {
    warnings.push(parts.map(String).join(" "));
    look();
  };
}

const kind = await CLIENTS[args.client]();
const { documents } = kind;
const members = new Map();

class Member {
  constructor(url, room, options) {
    this.url = url;
    this.doc = documents.create();
    this.updates = 0;
    this.doc.on("update", () => {
      this.updates += 1;
      look();
    });
    this.open(room, options);
  }

  open(room, options) {
    this.client = kind.open({ doc: this.doc, url: this.url, room, options, note: look });
    this.client.awareness.on("change", look);
  }

  // With its document go the timers of its awareness.
  destroy() {
    this.client.destroy();
    this.doc.destroy();
  }

  // The parts of what a test may look at, each computed only when asked for.
  part(name) {
    const { doc, client } = this;
    switch (name) {
      case "map":
      case "text":
      case "textLength":
      case "list":
        return documents[name](doc);
      case "inner":
        return documents.nested(doc, "inner");
      case "stateVector":
        return Object.fromEntries(documents.stateVectorEntries(doc));
      case "update":
        return Buffer.from(documents.update(doc)).toString("base64");
      case "clientId":
        return doc.clientID;
      case "updates":
        return this.updates;
      case "awareness":
        return Object.fromEntries(client.awareness.getStates());
      case "closes":
        return client.closes;
      case "awayMs":
        return client.away.ms;
      case "warnings":
        return warnings;
      // The maps of a document of comments.
      case "threads":
      case "messages":
      case "resolved":
        return documents.map(doc, name);
      default:
        return client.view()[name];
    }
  }

  view(names) {
    return Object.fromEntries(names.map((name) => [name, this.part(name) ?? null]));
  }
}

const ALL = ["map", "text", "list", "stateVector", "clientId", "awareness", "closes", "status"];

const OPS = {
  open: (_, { doc = "main", url, room, options = {} }) => {
    const member = new Member(url, room, options);
    members.set(doc, member);
    return member.doc.clientID;
  },
  set: ({ doc }, { key, value }) => void documents.set(doc, key, value),
  remove: ({ doc }, { key }) => void documents.remove(doc, key),
  // A map within the root map, and what stands in it.
  nest: ({ doc }, { key }) => void documents.nest(doc, key),
  setIn: ({ doc }, { outer, key, value }) => void documents.setIn(doc, outer, key, value),
  // From here on the client keeps what it overwrites, for its user to take back.
  keepForUndo: (member) => {
    member.undoing = documents.undoManager(member.doc);
  },
  undo: ({ undoing }) => void undoing.undo(),
  // Places beyond the end count as the end: others may have deleted what was there.
  insert: ({ doc }, { index, text }) =>
    void documents.insert(doc, Math.min(index, documents.textLength(doc)), text),
  erase: ({ doc }, { index, length }) =>
    void erase(documents.erase, doc, documents.textLength(doc), index, length),
  insertItems: ({ doc }, { index, values }) =>
    void documents.insertItems(doc, Math.min(index, documents.listLength(doc)), values),
  eraseItems: ({ doc }, { index, length }) =>
    void erase(documents.eraseItems, doc, documents.listLength(doc), index, length),
  // Many edits in one turn, so that they meet those of others half way.
  edits: (member, { edits, at = "scattered" }) => {
    const change = () => {
      for (const { op, ...details } of edits) OPS[op](member, details);
    };
    if (at === "once") documents.transact(member.doc, change);
    else change();
  },
  // A long text without sending it over the pipe: `chars` characters in pieces of `piece`.
  grow: ({ doc }, { chars, piece }) => {
    for (let at = 0; at < chars; at += piece) {
      documents.insert(doc, documents.textLength(doc), "x".repeat(Math.min(piece, chars - at)));
    }
  },
  apply: ({ doc }, { update }) => void documents.apply(doc, Buffer.from(update, "base64")),
  state: (member, { parts = ALL }) => member.view(parts),
  until: (member, { part, ...asked }) => until(() => member.part(part), asked),
  setState: ({ client }, { state }) => void client.awareness.setLocalState(state),
  credentials: ({ client }, details) => void client.credentials(details),
  reattach: ({ client }) => void client.reattach(),
  sendToken: ({ client }) => void client.sendToken(),
  sendStateless: ({ client }, { payload }) => void client.provider.sendStateless(payload),
  connect: ({ client }) => void client.connect(),
  disconnect: ({ client }) => void client.disconnect(),
  // What a network does: no close frame.
  cut: ({ client }) => void client.socket?.terminate(),
  // What React's Strict Mode does: a provider is destroyed as soon as made, and made again.
  reopen: (member, { room, options = {} }) => {
    member.client.destroy();
    member.open(room, options);
  },
  destroy: (member, { doc = "main" }) => {
    member.destroy();
    members.delete(doc);
  },
  // As if just started, for the next test.
  reset: async () => {
    giveUp();
    for (const member of members.values()) member.destroy();
    members.clear();
    kind.reset();
    await cutAll();
    warnings.length = 0;
  },
};

// What needs no document.
const OVER_ALL = new Set(["open", "reset"]);

function erase(remove, doc, size, index, length) {
  const at = Math.min(index, size);
  if (at < size) remove(doc, at, Math.min(length, size - at));
}

serve((op, details) => {
  const member = members.get(details.doc ?? "main");
  if (!member && !OVER_ALL.has(op)) throw new Error(`no document ${details.doc ?? "main"}`);
  return OPS[op](member, details);
});
