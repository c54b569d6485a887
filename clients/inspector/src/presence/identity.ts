import { readStored, writeStored } from "../room/stored.ts";
import { isColor, PERSON_COLORS } from "./colors.ts";
import { cleanName } from "./people.ts";

export interface Identity {
  name: string;
  color: string;
}

const NAME_KEY = "bandpro.name";
const COLOR_KEY = "bandpro.color";

const names: readonly string[] = [
  "Clarinet",
  "Bassoon",
  "Oboe",
  "Viola",
  "Cello",
  "Piccolo",
  "Cornet",
  "Tuba",
  "Harp",
  "Celesta",
  "Marimba",
  "Theorbo",
];

/**
 * Who this tab is. The name stays with the browser, the colour with the tab, so that two tabs
 * of one person can be told apart.
 */
export function loadIdentity(random: () => number): Identity {
  const color = readStored("session", COLOR_KEY);
  const identity = {
    name: cleanName(readStored("local", NAME_KEY)) ?? draw(names, random, "Guest"),
    color: isColor(color) ? color : draw(PERSON_COLORS, random, "#2b75bf"),
  };
  writeStored("session", COLOR_KEY, identity.color);
  return identity;
}

export function storeName(name: string): void {
  writeStored("local", NAME_KEY, name);
}

function draw(from: readonly string[], random: () => number, otherwise: string): string {
  return from[Math.floor(random() * from.length)] ?? otherwise;
}
