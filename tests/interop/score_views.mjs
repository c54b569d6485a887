// Reads updates of scores as lines of JSON, and answers with the view of each as one line.
//
//     node score_views.mjs MODULE < lines
//
// MODULE is the built clients/score. A line is a list of updates in base64; they are applied to a
// document of Yjs in that order, one after the other.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import * as Y from "yjs";

const { normalise, viewJson } = await import(pathToFileURL(process.argv[2]).href);

const FACETS = ["meta", "parts", "measures", "ev", "pt", "nx", "sp", "dir", "ly", "attr", "lay"];

for await (const line of createInterface({ input: process.stdin })) {
  const doc = new Y.Doc();
  for (const update of JSON.parse(line)) {
    Y.applyUpdate(doc, Buffer.from(update, "base64"));
  }
  const facets = Object.fromEntries(FACETS.map((name) => [name, doc.getMap(name)]));
  process.stdout.write(`${JSON.stringify(viewJson(normalise(facets)))}\n`);
  doc.destroy();
}
