/** What a person can do about a connection that the server ended for good. */
export type Remedy = "none" | "credentials" | "rejoin" | "reload" | "another-room";

export interface CloseInWords {
  code: number;
  /** True when trying again with the same request is pointless: 4400 to 4499. */
  terminal: boolean;
  title: string;
  detail: string;
  remedy: Remedy;
  /** The least time to wait before the next try, in milliseconds. */
  waitMs: number;
}

interface Entry {
  title: string;
  detail: string;
  remedy?: Remedy;
  waitMs?: number;
}

const entries: Readonly<Record<number, Entry>> = {
  1000: { title: "Closed", detail: "The server closed the connection." },
  1001: { title: "Going away", detail: "The server is going away." },
  1005: { title: "Closed", detail: "The server closed the connection without saying why." },
  1006: { title: "Connection lost", detail: "The server cannot be reached just now." },
  1009: { title: "Too large", detail: "A message was larger than this server allows." },
  1011: { title: "Server error", detail: "The server failed; unsaved edits are sent again." },
  1012: { title: "Restarting", detail: "The server is restarting." },
  1013: { title: "Busy", detail: "The server is busy.", waitMs: 1000 },
  4400: {
    title: "Not understood",
    detail: "The server did not understand a message of this page. Reload the page.",
    remedy: "reload",
  },
  4401: {
    title: "Sign-in needed",
    detail: "This server wants a valid token, or the one given has expired.",
    remedy: "credentials",
  },
  4403: {
    title: "Not allowed",
    detail: "Your token does not let you into this room.",
    remedy: "credentials",
  },
  4404: {
    title: "No such room",
    detail: "The server knows no room of this name.",
    remedy: "another-room",
  },
  4409: {
    title: "Identity taken",
    detail: "Somebody else in this room uses the client id that this tab drew.",
    remedy: "rejoin",
  },
  4410: {
    title: "Document replaced",
    detail: "The document was restored or erased on the server. Load it afresh.",
    remedy: "reload",
  },
  4413: {
    title: "Document full",
    detail: "The document has reached its size limit, so the last edit was not taken.",
    remedy: "reload",
  },
  4423: {
    title: "Out of service",
    detail: "The room was taken out of service after repeated failures. Ask the operator.",
    remedy: "another-room",
  },
  4503: { title: "Room unavailable", detail: "The room could not be loaded.", waitMs: 1000 },
  4508: { title: "Idle", detail: "The server heard nothing from this tab for too long." },
  4509: { title: "Too slow", detail: "This tab did not read fast enough what it was sent." },
  4513: { title: "Room full", detail: "The room has as many people as it may.", waitMs: 5000 },
  4528: {
    title: "Too many connections",
    detail: "Too many connections come from this address.",
    waitMs: 5000,
  },
  4529: { title: "Too fast", detail: "Messages came faster than is allowed.", waitMs: 5000 },
};

/**
 * Puts a websocket close code into words.
 *
 * @param code the code of the close event, or null when this side closed (its watchdog, say).
 * @param reason the server's own words, shown when it gave any.
 */
export function closeInWords(code: number | null, reason = ""): CloseInWords {
  if (code === null) {
    return inWords(1006, false, { title: "Connection lost", detail: "The connection broke off." });
  }
  const terminal = code >= 4400 && code < 4500;
  const known = entries[code];
  const fallback = terminal
    ? { title: "Refused", detail: "The server ended the connection for good." }
    : { title: "Connection closed", detail: "The server closed the connection." };
  const entry = known ?? fallback;
  const said = reason.trim();
  const detail = known === undefined && said !== "" ? sentence(said) : entry.detail;
  return inWords(code, terminal, { ...entry, detail });
}

function inWords(code: number, terminal: boolean, entry: Entry): CloseInWords {
  return {
    code,
    terminal,
    title: entry.title,
    detail: entry.detail,
    remedy: entry.remedy ?? "none",
    waitMs: entry.waitMs ?? 0,
  };
}

/** A server's words as a sentence to show. */
export function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
