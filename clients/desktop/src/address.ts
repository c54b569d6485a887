/** A place: a server, and a score on it; without a room, the list of its scores. */
export interface Place {
  /** Its origin, such as `https://collab.example`. */
  readonly server: string;
  readonly room: string;
}

/** What deep links begin with: `bandpro://collab.example/band/air`. */
export const SCHEME = "bandpro";

const ROOM_BYTES_MAX = 255;
const ADDRESS_CHARS_MAX = 2_048;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const CONTROL = /\p{Cc}/u;

/** A server's origin; null for what is none, and for one that would be asked in the clear. */
export function serverOf(text: string): string | null {
  const url = parsed(text);
  return url === null || url.pathname !== "/" || url.hash !== "" ? null : originOf(url);
}

/** Where a deep link, or the address of the editor in a browser, leads; null for anything else. */
export function placeOf(text: string): Place | null {
  const link = parsed(text);
  if (link === null) return null;
  if (link.protocol !== `${SCHEME}:`) {
    const server = link.pathname === "/" ? originOf(link) : null;
    return server === null ? null : placed(server, link.hash.replace(/^#\/?/, ""));
  }
  // What stands behind an unknown scheme is not read as a host until it is given a known one.
  const host = parsed(`http://${link.host}/`);
  if (host === null || link.hash !== "" || link.search !== "" || isNamed(link)) return null;
  const scheme = LOOPBACK.test(host.hostname) ? "http" : "https";
  const server = serverOf(`${scheme}://${link.host}/`);
  return server === null ? null : placed(server, link.pathname.replace(/^\//, ""));
}

/** The address of the editor at a place. */
export function addressOf({ server, room }: Place): string {
  return `${server}/#/${encodeURIComponent(room)}`;
}

/** The deep link to a place. */
export function linkTo({ server, room }: Place): string {
  const path = room.split("/").map(encodeURIComponent).join("/");
  return `${SCHEME}://${new URL(server).host}/${path}`;
}

function placed(server: string, encoded: string): Place | null {
  try {
    const room = decodeURIComponent(encoded);
    return room === "" || isRoom(room) ? { server, room } : null;
  } catch {
    return null;
  }
}

/** The server's own rule: see `docs/clients.md`. */
function isRoom(room: string): boolean {
  return (
    new TextEncoder().encode(room).length <= ROOM_BYTES_MAX &&
    !CONTROL.test(room) &&
    room.split("/").every((segment) => !["", ".", ".."].includes(segment))
  );
}

function originOf(url: URL): string | null {
  const isPrivate = url.protocol === "https:" || LOOPBACK.test(url.hostname);
  const isWeb = ["http:", "https:"].includes(url.protocol);
  return isWeb && isPrivate && url.search === "" && !isNamed(url) ? url.origin : null;
}

function isNamed(url: URL): boolean {
  return url.username !== "" || url.password !== "";
}

function parsed(text: string): URL | null {
  return text.length <= ADDRESS_CHARS_MAX && URL.canParse(text) ? new URL(text) : null;
}
