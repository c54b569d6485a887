/** The room that a person sees first: a four-part chorale that the server seeds once. */
export const DEFAULT_ROOM = "demo/chorale";

export const ROOM_NAME_BYTES_MAX = 255;

export type RoomNameCheck = { ok: true; name: string } | { ok: false; reason: string };

/** Says whether `text` names a room, by the same rules as the server, and if not, why. */
export function checkRoomName(text: string): RoomNameCheck {
  const size = utf8Length(text);
  if (size === null) return refuse("A room name must be valid Unicode.");
  if (size === 0) return refuse("Type the name of a room.");
  if (size > ROOM_NAME_BYTES_MAX) {
    return refuse(`A room name has at most ${ROOM_NAME_BYTES_MAX} bytes; this one has ${size}.`);
  }
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
      return refuse("A room name holds no control characters.");
    }
  }
  for (const segment of text.split("/")) {
    if (segment === "") return refuse("Nothing stands between two slashes, or at an end.");
    if (segment === "." || segment === "..") return refuse("“.” and “..” are not names.");
  }
  return { ok: true, name: text };
}

/**
 * The room's place in a URL path. The stock provider pastes the name into its URL as it is, so
 * that "?", "#" and "%" would change its meaning; slashes stay, as the server expects them.
 */
export function encodeRoomPath(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** Reads the room from an address: `#/demo/chorale` first, then `?room=demo/chorale`. */
export function roomOfLocation(location: { hash: string; search: string }): string | null {
  if (location.hash.startsWith("#/") && location.hash.length > 2) {
    const hash = location.hash.slice(2);
    try {
      return decodeURIComponent(hash);
    } catch {
      return hash;
    }
  }
  return new URLSearchParams(location.search).get("room");
}

/** Where the page of the cluster is; no room is, for those begin with a slash. */
export const CLUSTER_HASH = "#cluster";

/** The hash under which this page can be opened on the room again. */
export function hashOfRoom(name: string): string {
  return `#/${encodeRoomPath(name)}`;
}

function refuse(reason: string): RoomNameCheck {
  return { ok: false, reason };
}

function utf8Length(text: string): number | null {
  try {
    return encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, "x").length;
  } catch {
    return null; // a lone surrogate
  }
}
