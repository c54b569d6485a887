import type { KeyValueStore, ScoreFacts } from "bandpro-sdk";

/** Where a person was last, kept on the device. A token is never among it. */
export interface Settings {
  readonly server: string;
  readonly name: string;
}

const SETTINGS = "settings";
const LOOPBACK = /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|10\.0\.2\.2)(:\d+)?$/;
const SECURE = /^https:\/\/[^\s/?#@]+$/;

/**
 * A server's address as it is used; null for one that would be asked in the clear. An emulator's own
 * computer, 10.0.2.2, is as near as the device itself.
 */
export function serverIn(text: string): string | null {
  const address = text.trim().replace(/\/+$/, "");
  return SECURE.test(address) || LOOPBACK.test(address) ? address : null;
}

export async function readSettings(device: KeyValueStore): Promise<Settings> {
  const { server, name } = await readJson(device, SETTINGS);
  return { server: textOf(server), name: textOf(name) };
}

export async function keepSettings(device: KeyValueStore, settings: Settings): Promise<void> {
  await device.setItem(SETTINGS, JSON.stringify(settings));
}

/** What is shown of a score in the list. */
export type Listed = Pick<ScoreFacts, "room" | "title">;

/** The list of a server's scores as it was last. */
export async function readList(device: KeyValueStore, server: string): Promise<readonly Listed[]> {
  const { scores } = await readJson(device, `scores ${server}`);
  const found: readonly unknown[] = Array.isArray(scores) ? scores : [];
  return found.flatMap((each) => {
    const { room, title } = fieldsOf(each);
    return typeof room === "string" ? [{ room, title: textOf(title) }] : [];
  });
}

export async function keepList(
  device: KeyValueStore,
  server: string,
  scores: readonly Listed[],
): Promise<void> {
  const kept = scores.map(({ room, title }) => ({ room, title }));
  await device.setItem(`scores ${server}`, JSON.stringify({ scores: kept }));
}

/** What does not read is as if it had never been kept. */
async function readJson(device: KeyValueStore, key: string): Promise<Record<string, unknown>> {
  try {
    return fieldsOf(JSON.parse((await device.getItem(key)) ?? "{}"));
  } catch {
    return {};
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
