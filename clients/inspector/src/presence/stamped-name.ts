import * as decoding from "lib0/decoding";

const ENTRIES_READ_MAX = 200;

/**
 * Where a server vouches for names, it replaces the name that a tab gives itself by that of the
 * token, and repeats the tab's own state to it. The awareness protocol ignores that repetition,
 * for it is no newer; the name in it is read here.
 *
 * @param clock the clock of the newest state of this tab; a repetition of an older one is stale.
 * @returns the name that the server put in place of `own`, or null when it left it alone.
 */
export function stampedName(
  update: Uint8Array,
  client: number,
  clock: number,
  own: string,
): string | null {
  const decoder = decoding.createDecoder(update);
  const count = Math.min(decoding.readVarUint(decoder), ENTRIES_READ_MAX);
  for (let index = 0; index < count; index++) {
    const owner = decoding.readVarUint(decoder);
    const clockOfState = decoding.readVarUint(decoder);
    const json = decoding.readVarString(decoder);
    if (owner !== client || clockOfState !== clock) continue;
    const state: unknown = JSON.parse(json);
    const name = fieldOf(fieldOf(state, "user"), "name");
    return typeof name === "string" && name !== own ? name : null;
  }
  return null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
