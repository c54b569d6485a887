import * as Y from "yjs";

/** The facets of the score schema; each is a map of plain JSON values by id. */
export const SCORE_FACETS: ReadonlySet<string> = new Set([
  "meta",
  "parts",
  "measures",
  "ev",
  "pt",
  "nx",
  "sp",
  "dir",
  "ly",
  "attr",
  "lay",
  "raw",
]);

/**
 * Gives each top-level type that only arrived over the network the kind that its content shows.
 *
 * An update does not say of what kind a top-level type is; Yjs keeps it as a bare AbstractType
 * until somebody asks for it by kind. Asking writes nothing and sends nothing. Where the content
 * does not tell yet, the type is left alone and looked at again after the next change.
 *
 * @returns true when a type got its kind, so that observers must be set anew.
 */
export function defineRootTypes(doc: Y.Doc): boolean {
  let defined = false;
  for (const [name, type] of doc.share) {
    if (type.constructor !== Y.AbstractType) continue;
    const kind = kindByContent(type, name);
    if (kind === null) continue;
    define(doc, name, kind);
    defined = true;
  }
  return defined;
}

type RootKind = "map" | "text" | "array" | "xml";

function define(doc: Y.Doc, name: string, kind: RootKind): void {
  if (kind === "map") doc.getMap(name);
  else if (kind === "text") doc.getText(name);
  else if (kind === "array") doc.getArray(name);
  else doc.getXmlFragment(name);
}

function kindByContent(type: Y.AbstractType<unknown>, name: string): RootKind | null {
  for (let item = type._start; item !== null; item = item.right) {
    const kind = kindOfItem(item.content);
    if (kind !== null) return kind;
  }
  // A sequence whose content is all deleted says nothing of itself.
  if (type._start !== null) return null;
  if (type._map.size > 0 || SCORE_FACETS.has(name)) return "map";
  return null;
}

function kindOfItem(content: unknown): RootKind | null {
  if (
    content instanceof Y.ContentString ||
    content instanceof Y.ContentFormat ||
    content instanceof Y.ContentEmbed
  ) {
    return "text";
  }
  if (content instanceof Y.ContentType) {
    const inner: unknown = content.type;
    return inner instanceof Y.XmlElement || inner instanceof Y.XmlText || inner instanceof Y.XmlHook
      ? "xml"
      : "array";
  }
  if (content instanceof Y.ContentDeleted) return null;
  return "array";
}
