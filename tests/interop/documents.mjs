// One view of a document for both generations of Yjs: 13 has a class for each shape of a root,
// 14 has one class with attributes (as a map) and children (as a list or a text).

const ROOTS = { map: "map", text: "text", list: "list" };

export async function classic() {
  const Y = await import("yjs");
  return {
    create: () => new Y.Doc(),
    transact: (doc, change) => doc.transact(change),
    set: (doc, key, value) => doc.getMap(ROOTS.map).set(key, value),
    remove: (doc, key) => doc.getMap(ROOTS.map).delete(key),
    insert: (doc, index, text) => doc.getText(ROOTS.text).insert(index, text),
    erase: (doc, index, length) => doc.getText(ROOTS.text).delete(index, length),
    insertItems: (doc, index, values) => doc.getArray(ROOTS.list).insert(index, values),
    eraseItems: (doc, index, length) => doc.getArray(ROOTS.list).delete(index, length),
    nest: (doc, key) => doc.getMap(ROOTS.map).set(key, new Y.Map()),
    setIn: (doc, outer, key, value) => doc.getMap(ROOTS.map).get(outer).set(key, value),
    nested: (doc, outer) => doc.getMap(ROOTS.map).get(outer)?.toJSON(),
    undoManager: (doc) => new Y.UndoManager(doc.getMap(ROOTS.map), { captureTimeout: 0 }),
    map: (doc, root = ROOTS.map) => doc.getMap(root).toJSON(),
    text: (doc) => doc.getText(ROOTS.text).toString(),
    textLength: (doc) => doc.getText(ROOTS.text).length,
    list: (doc) => doc.getArray(ROOTS.list).toJSON(),
    listLength: (doc) => doc.getArray(ROOTS.list).length,
    stateVector: (doc) => Y.encodeStateVector(doc),
    stateVectorEntries: (doc) => [...Y.decodeStateVector(Y.encodeStateVector(doc)).entries()],
    update: (doc) => Y.encodeStateAsUpdate(doc),
    apply: (doc, update) => Y.applyUpdate(doc, update),
  };
}

export async function unified() {
  const Y = await import("@y/y");
  return {
    create: () => new Y.Doc(),
    transact: (doc, change) => doc.transact(change),
    set: (doc, key, value) => doc.get(ROOTS.map).setAttr(key, value),
    remove: (doc, key) => doc.get(ROOTS.map).deleteAttr(key),
    insert: (doc, index, text) => doc.get(ROOTS.text).insert(index, text),
    erase: (doc, index, length) => doc.get(ROOTS.text).delete(index, length),
    insertItems: (doc, index, values) => doc.get(ROOTS.list).insert(index, values),
    eraseItems: (doc, index, length) => doc.get(ROOTS.list).delete(index, length),
    nest: (doc, key) => doc.get(ROOTS.map).setAttr(key, new Y.Type()),
    setIn: (doc, outer, key, value) => doc.get(ROOTS.map).getAttr(outer).setAttr(key, value),
    nested: (doc, outer) => doc.get(ROOTS.map).getAttr(outer)?.getAttrs(),
    undoManager: (doc) => new Y.UndoManager(doc.get(ROOTS.map), { captureTimeout: 0 }),
    map: (doc, root = ROOTS.map) => doc.get(root).getAttrs(),
    text: (doc) => doc.get(ROOTS.text).toString(),
    textLength: (doc) => doc.get(ROOTS.text).length,
    list: (doc) => doc.get(ROOTS.list).toArray(),
    listLength: (doc) => doc.get(ROOTS.list).length,
    stateVector: (doc) => Y.encodeStateVector(doc),
    stateVectorEntries: (doc) => [...Y.decodeStateVector(Y.encodeStateVector(doc)).entries()],
    update: (doc) => Y.encodeStateAsUpdate(doc),
    apply: (doc, update) => Y.applyUpdate(doc, update),
  };
}
