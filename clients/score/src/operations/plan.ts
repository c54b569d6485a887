import type { Facets } from "../model.ts";
import { articulate } from "./articulations.ts";
import { paste } from "./clipboard.ts";
import { type Changes, Draft, EditRefused, type NewIds } from "./draft.ts";
import * as events from "./events.ts";
import * as frame from "./frame.ts";
import * as lines from "./lines.ts";
import type { Operation } from "./operations.ts";
import { rebar } from "./rebarring.ts";
import { isSound } from "./rules.ts";
import { transposeEvents, transposeParts } from "./transposing.ts";

const FACETS = [
  ...["meta", "parts", "measures", "ev", "pt", "nx"],
  ...["sp", "dir", "ly", "attr", "lay", "raw"],
];
const PROBLEMS_MAX = 100;

/**
 * Works out what an operation writes, in a score as it is now: the same entries as
 * `collab.score.operations.plan` on the server, for equal facets and ids.
 *
 * All twelve facets are needed. `newIds` gives an id (an NCName that the score does not have yet)
 * with each call; orders of new elements are drawn from their ids.
 *
 * @throws EditRefused with a code, and the ids of what is in the way.
 */
export function plan(facets: Facets, operation: Operation, newIds: NewIds): Changes {
  return planAll(facets, [operation], newIds);
}

/** Works out what operations write together, each made in the score as those before it leave it. */
export function planAll(facets: Facets, operations: readonly Operation[], newIds: NewIds): Changes {
  const draft = new Draft(facets, newIds);
  for (const operation of operations) {
    draw(draft, operation);
  }
  const changes = draft.changes();
  requireSound(changes);
  return changes;
}

/** A map that holds entries, such as `Y.Map`. */
interface Entries {
  set(key: string, value: unknown): unknown;
  delete(key: string): unknown;
}

/** Writes changes, for one transaction: `doc.transact(() => apply((name) => doc.getMap(name), changes))`. */
export function apply(mapOf: (facet: string) => Entries, changes: Changes): void {
  for (const [facet, key] of changes.deletes) {
    mapOf(facet).delete(key);
  }
  for (const [facet, key, value] of changes.sets) {
    mapOf(facet).set(key, value);
  }
}

/** Refuses values that no reader would understand. */
function requireSound({ sets }: Changes): void {
  const bad = FACETS.flatMap((facet) =>
    sets.filter(([name, key, value]) => name === facet && !isSound(facet, key, value)),
  );
  if (bad.length > 0) {
    const keys = bad.slice(0, PROBLEMS_MAX).map(([, key]) => key);
    throw new EditRefused("malformed", "That is not what the schema has.", ...new Set(keys));
  }
}

type Plans = {
  readonly [Name in Operation["op"]]: (
    draft: Draft,
    operation: Extract<Operation, { op: Name }>,
  ) => unknown;
};

const PLANS: Plans = {
  InsertNote: events.insertNote,
  InsertRest: events.insertRest,
  InsertChordNote: events.insertChordNote,
  MoveEvents: events.moveEvents,
  DeleteElements: events.deleteElements,
  Repitch: events.repitch,
  Retime: events.retime,
  Tie: lines.tie,
  Slur: lines.slur,
  Tuplet: events.makeTuplet,
  AddSpanner: lines.addSpanner,
  SetLyric: events.setLyric,
  Articulate: articulate,
  AddDirection: lines.addDirection,
  ChangeSetting: lines.changeSetting,
  SetHeader: frame.setHeader,
  InsertMeasures: frame.insertMeasures,
  MoveMeasures: frame.moveMeasures,
  DeleteMeasures: frame.deleteMeasures,
  RestoreMeasures: frame.restoreMeasures,
  SetMeasureLength: frame.setMeasureLength,
  NumberMeasures: frame.numberMeasures,
  AddPart: frame.addPart,
  RemovePart: frame.removePart,
  RenamePart: frame.renamePart,
  MovePart: frame.movePart,
  SetTransposition: frame.setTransposition,
  TransposeEvents: transposeEvents,
  TransposeParts: transposeParts,
  Paste: paste,
  Rebar: rebar,
};

function draw(draft: Draft, operation: Operation): void {
  // Each planner takes the operation that it stands beside.
  (PLANS[operation.op] as (draft: Draft, operation: Operation) => unknown)(draft, operation);
}
