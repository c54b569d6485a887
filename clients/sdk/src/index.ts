export * from "bandpro-score";
export type { CommentPlace, Comments } from "./comments/comments.ts";
export type { Message, Onset, Thread } from "./comments/threads.ts";
export { ApiError, type ProblemCode, ScoreError } from "./errors.ts";
export type { Fetch } from "./http/api.ts";
export {
  type ExportOptions,
  type Finding,
  IMPORT_FORMATS,
  type ImportFormat,
  type Job,
  type JobFile,
  type JobState,
  type Jobs,
  type Progress,
  type Watch,
} from "./http/jobs.ts";
export {
  type Library,
  type NewScore,
  openLibrary,
  type ScoreFacts,
  type Template,
} from "./http/library.ts";
export { roomFor } from "./http/room-names.ts";
export type { Version, Versions } from "./http/versions.ts";
export { newId } from "./ids.ts";
export type { Connection } from "./link/link.ts";
export type { ReloadReason, Remedy } from "./link/policy.ts";
export type { Saved } from "./link/saved.ts";
export type { GiveToken } from "./link/tokens.ts";
export type { Measure } from "./measures/batch.ts";
export {
  type MeasureOptions,
  type Measures,
  openMeasures,
  type WebVitals,
} from "./measures/measures.ts";
export { indexedDb } from "./offline/indexed-db.ts";
export { type KeyValueStore, keyValue } from "./offline/key-value.ts";
export type { OfflineStorage } from "./offline/storage.ts";
export type { LiveJob, Person, Place as PlaceInScore, Presence, Shown } from "./presence.ts";
export type { ScoreChange } from "./replica.ts";
export {
  type History,
  type OpenOptions,
  openScore,
  type Replaced,
  type Score,
  type Undoable,
} from "./score.ts";
export type { Store } from "./store.ts";
