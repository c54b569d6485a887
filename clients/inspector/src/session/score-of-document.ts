import * as Y from "yjs";
import { hasEntries } from "../document/nodes.ts";
import { type Facets, ScoreModel } from "../score/score-model.ts";

/** Keeps the strip's model beside a document, as soon as the document holds a score. */
export class ScoreOfDocument {
  readonly #doc: Y.Doc;
  readonly #facets: Facets;
  #model: ScoreModel | null = null;

  constructor(doc: Y.Doc) {
    this.#doc = doc;
    this.#facets = {
      get: (facet, key) => this.#map(facet)?.get(key),
      entries: (facet) => this.#map(facet)?.entries() ?? [],
    };
  }

  /** Null while the document has no parts, measures and events. */
  get model(): ScoreModel | null {
    return this.#model;
  }

  /** Takes in which keys of which top-level types changed; null stands for all of them. */
  changed(facets: ReadonlyMap<string, ReadonlySet<string> | null>): void {
    const isScore = ["parts", "measures", "ev", "pt"].every((facet) => this.#holds(facet));
    if (!isScore) {
      this.#model = null;
      return;
    }
    if (this.#model === null) {
      this.#model = new ScoreModel(this.#facets);
      return;
    }
    if (Array.from(facets.values()).includes(null)) {
      this.#model.rebuild();
      return;
    }
    for (const [facet, keys] of facets) this.#model.changed(facet, keys ?? []);
  }

  #holds(facet: string): boolean {
    const map = this.#map(facet);
    return map !== null && hasEntries(map);
  }

  #map(facet: string): Y.Map<unknown> | null {
    const type = this.#doc.share.get(facet);
    return type instanceof Y.Map ? type : null;
  }
}
