export {
  entriesOf,
  type Facets,
  type Place,
  readScore,
  type Score,
  STEP_SEMITONES,
  time as readTime,
} from "./model.ts";
export { type ChangedKeys, Normaliser, normalise } from "./normalise.ts";
export { copy } from "./operations/clipboard.ts";
export { type Changes, EditRefused, type NewIds, type RefusalCode } from "./operations/draft.ts";
export { signatureAlter } from "./operations/intervals.ts";
export type * from "./operations/operations.ts";
export { apply, plan, planAll } from "./operations/plan.ts";
export {
  add as addTimes,
  compare as compareTimes,
  type Rational,
  rational,
  subtract as subtractTimes,
  timeText,
  toNumber,
  ZERO as ZERO_TIME,
} from "./rational.ts";
export { compareText } from "./sorting.ts";
export {
  type Cell,
  type Chord,
  type Gap,
  type Grace,
  type Hidden,
  type HiddenReason,
  type Item,
  type MeasureView,
  type Orphan,
  type OrphanReason,
  type Space,
  type View,
  type Voice,
  viewJson,
  type WrittenRest,
} from "./view.ts";
