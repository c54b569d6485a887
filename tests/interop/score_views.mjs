// Reads scores and operations as lines of JSON; answers with a view and plans, as one line each.
//
//     node score_views.mjs MODULE < lines
//
// MODULE is the built clients/score. A line has `updates` in base64, which are applied to a document
// of Yjs in that order, `operations`, which are planned and written into it one after the other, and
// `prefix` for the ids of what they make.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import * as Y from "yjs";

const { apply, compareText, EditRefused, normalise, plan, viewJson } = await import(
  pathToFileURL(process.argv[2]).href
);

const FACETS = [
  ...["meta", "parts", "measures", "ev", "pt", "nx"],
  ...["sp", "dir", "ly", "attr", "lay", "raw"],
];

function planned(doc, facets, operation, newIds) {
  try {
    const changes = plan(facets, operation, newIds);
    doc.transact(() => apply((facet) => facets[facet], changes));
    return changes;
  } catch (error) {
    if (!(error instanceof EditRefused)) {
      throw error;
    }
    return { refused: error.code, elements: [...error.elementIds].sort(compareText) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { updates, operations, prefix } = JSON.parse(line);
  const doc = new Y.Doc();
  for (const update of updates) {
    Y.applyUpdate(doc, Buffer.from(update, "base64"));
  }
  const facets = Object.fromEntries(FACETS.map((name) => [name, doc.getMap(name)]));
  const view = viewJson(normalise(facets));
  let drawn = 0;
  const newIds = () => {
    drawn += 1;
    return `${prefix}${drawn}`;
  };
  const plans = operations.map((operation) => planned(doc, facets, operation, newIds));
  process.stdout.write(`${JSON.stringify({ view, plans })}\n`);
  doc.destroy();
}
