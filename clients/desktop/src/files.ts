import { createHash } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { ApiError, IMPORT_FORMATS, type ImportFormat, type Library, roomFor } from "bandpro-sdk";
import type { Place } from "./address.ts";
import type { Memory } from "./memory.ts";

/** As much as the server takes. */
const BYTES_MAX = 32 * 1024 * 1024;
const MISSING = 404;

/** A file that is not opened, in words for the person. */
export class FileProblem extends Error {
  override readonly name = "FileProblem";
}

/** The part of the SDK's library that files pass through. */
export type FileLibrary = Pick<Library, "importMusicXml" | "importFile" | "musicXml">;

/** Whether a file is one that can be opened, by its name. */
export function isScoreFile(path: string): boolean {
  return formatOf(path) !== undefined;
}

/**
 * Makes a score of a file; the same file, unchanged, is the same score.
 *
 * @returns the score's place.
 * @throws FileProblem for a file that is too large or of another kind; what reading it throws;
 *   ApiError and ScoreError for what the server says.
 */
export async function openFile(
  path: string,
  server: string,
  library: FileLibrary,
  memory: Memory,
): Promise<Place> {
  const format = formatOf(path);
  if (format === undefined) throw new FileProblem(`No kind of score is called ${extname(path)}.`);
  if ((await stat(path)).size > BYTES_MAX) throw new FileProblem("It is larger than 32 MiB.");
  const bytes = new Uint8Array(await readFile(path));
  const digest = digestOf(bytes);
  const known = memory.fileAt(path);
  const isSame = known !== null && known.server === server && known.digest === digest;
  if (isSame && (await isThere(known.room, library))) return { server, room: known.room };
  const room = roomFor(basename(path, extname(path)));
  if (format === "musicxml" || format === "mxl") await library.importMusicXml(room, bytes);
  else await library.importFile(room, bytes, format);
  memory.keepFile({ path, server, room, digest });
  return { server, room };
}

/**
 * Writes a score as the server has it into a MusicXML file, whole or not at all.
 *
 * @throws ApiError and ScoreError for what the server says; what writing throws.
 */
export async function saveFile(
  path: string,
  place: Place,
  library: FileLibrary,
  memory: Memory,
): Promise<void> {
  const bytes = await library.musicXml(place.room);
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
  memory.keepFile({ path, ...place, digest: digestOf(bytes) });
}

/** Where a score is saved without asking: the file that it came from, if that can hold it. */
export function ownFile(place: Place, memory: Memory): string | null {
  const path = memory.fileOf(place)?.path ?? "";
  return formatOf(path) === "musicxml" ? path : null;
}

/** A name for the file of a score, on any system. */
export function fileNameFor(room: string): string {
  const name = (room.split("/").at(-1) ?? "").replace(/[\p{Cc}<>:"/\\|?*]+/gu, "-");
  return `${name.replace(/^[.\s]+|[.\s]+$/g, "") || "score"}.musicxml`;
}

function formatOf(path: string): ImportFormat | undefined {
  return IMPORT_FORMATS.get(extname(path).slice(1).toLowerCase());
}

/** Whether the server still has a score: it may have been erased meanwhile. */
async function isThere(room: string, library: FileLibrary): Promise<boolean> {
  try {
    await library.musicXml(room);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === MISSING) return false;
    throw error;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
