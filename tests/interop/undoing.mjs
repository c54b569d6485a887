// Holds Yjs documents whose users can undo, and no provider; requests and answers as in answering.mjs.
//
//   node undoing.mjs
//
// What a document holds is a map, with maps within maps, and XML whose elements have attributes.

import * as Y from "yjs";
import { serve } from "./answering.mjs";

const members = new Map();
let made = [];

class Member {
  constructor(clientId) {
    this.doc = new Y.Doc();
    this.doc.clientID = clientId;
    this.doc.on("update", (update, _origin, _doc, { local }) => {
      if (local) made.push(update);
    });
    const scope = [this.doc.getMap("map"), this.doc.getXmlFragment("xml")];
    this.undoing = new Y.UndoManager(scope, { captureTimeout: 0 });
  }

  // The map at the end of a path, or the last one on the way that is there.
  map(path) {
    let map = this.doc.getMap("map");
    for (const key of path) {
      const next = map.get(key);
      if (!(next instanceof Y.Map)) break;
      map = next;
    }
    return map;
  }

  element(index) {
    const xml = this.doc.getXmlFragment("xml");
    return xml.length ? xml.get(index % xml.length) : null;
  }
}

const EDITS = {
  set: (member, { path, key, value }) => member.map(path).set(key, value),
  nest: (member, { path, key }) => member.map(path).set(key, new Y.Map()),
  remove: (member, { path, key }) => member.map(path).delete(key),
  element: ({ doc }, { value }) => doc.getXmlFragment("xml").push([new Y.XmlElement(`e${value}`)]),
  attribute: (member, { index, key, value }) =>
    member.element(index)?.setAttribute(key, String(value)),
  removeElement: ({ doc }, { index }) => {
    const xml = doc.getXmlFragment("xml");
    if (xml.length) xml.delete(index % xml.length, 1);
  },
  undo: ({ undoing }) => undoing.undo(),
  redo: ({ undoing }) => undoing.redo(),
};

function state(doc) {
  const deleted = Y.createDeleteSetFromStructStore(doc.store).clients;
  const xml = doc.getXmlFragment("xml").toArray();
  return {
    map: doc.getMap("map").toJSON(),
    xml: xml.map((element) => [element.nodeName, element.getAttributes()]),
    stateVector: Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc))),
    deleted: Object.fromEntries(
      [...deleted].map(([client, spans]) => [client, spans.map(({ clock, len }) => [clock, len])]),
    ),
  };
}

function of(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return state(doc);
}

const encoded = (bytes) => Buffer.from(bytes).toString("base64");
const decoded = (text) => Buffer.from(text, "base64");

const OPS = {
  open: (_, { doc, clientId }) => void members.set(doc, new Member(clientId)),
  edits: (member, { edits }) => {
    for (const { op, ...details } of edits) EDITS[op](member, details);
  },
  stateVector: ({ doc }) => encoded(Y.encodeStateVector(doc)),
  // What a replica with this state vector lacks.
  difference: ({ doc }, { stateVector }) =>
    encoded(Y.encodeStateAsUpdate(doc, decoded(stateVector))),
  apply: ({ doc }, { update }) => void Y.applyUpdate(doc, decoded(update), "server"),
  merge: (_, { updates }) => encoded(Y.mergeUpdates(updates.map(decoded))),
  state: ({ doc }) => state(doc),
  // What a new document has that is given these updates, one after the other.
  read: (_, { updates }) => of(updates.map(decoded)),
  // What Yjs makes of all edits of all members, each told of when it was made.
  truth: () => of([Y.mergeUpdates(made)]),
  reset: () => {
    for (const { doc } of members.values()) doc.destroy();
    members.clear();
    made = [];
  },
};

serve((op, details) => OPS[op](members.get(details.doc), details));
