import { readFile } from "node:fs/promises";
import { extname, join, resolve, sep } from "node:path";
import { isAsked } from "./guard.ts";

/** What a page may do; the same as the gateway says of its editor. */
export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  ".bin": "application/octet-stream",
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};

export interface PagesSetup {
  readonly server: string;
  /** Folder of the built editor; null where none came along: then the server's own is shown. */
  readonly folder: string | null;
  /** Asks the server itself. */
  readonly forward: (request: Request) => Promise<Response>;
}

/**
 * Answers what a window asks for: with the files of the editor that came along, under the server's
 * own origin, so that it opens without a network too; with the server for all the rest.
 */
export async function answer(setup: PagesSetup, request: Request): Promise<Response> {
  if (!isAsked(setup.server, request.url)) return Response.error();
  const file = request.method === "GET" ? await fileFor(setup.folder, request.url) : null;
  if (file !== null) return file;
  let told: Response;
  try {
    told = await setup.forward(request);
  } catch {
    // Not reached: what the page would have been told without anybody in between.
    return Response.error();
  }
  return told.headers.get("content-type")?.startsWith("text/html") ? strict(told) : told;
}

async function fileFor(folder: string | null, address: string): Promise<Response | null> {
  const path = folder === null ? null : pathIn(folder, new URL(address).pathname);
  const type = path === null ? undefined : TYPES[extname(path)];
  if (path === null || type === undefined) return null;
  try {
    return new Response(await readFile(path), {
      headers: {
        "content-type": type,
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
  } catch {
    return null;
  }
}

/** The file that a path of an address names, or null when that is outside of the folder. */
function pathIn(folder: string, path: string): string | null {
  try {
    const named = path === "/" ? "index.html" : decodeURIComponent(path.slice(1));
    const found = resolve(join(folder, named));
    return found.startsWith(resolve(folder) + sep) && !named.includes("\0") ? found : null;
  } catch {
    return null;
  }
}

/** Both policies hold: the server's and ours. */
function strict(told: Response): Response {
  const headers = new Headers(told.headers);
  headers.append("content-security-policy", POLICY);
  // The body is given on as it reads, not as it came.
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { status, statusText } = told;
  return new Response(told.body, { status, statusText, headers });
}
