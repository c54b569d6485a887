import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { answer, POLICY } from "../src/pages.ts";

let folder: string;
let upstream: Server;
let server: string;

// A server that says what it was asked, as a page of its own.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bandpro-"));
  await writeFile(join(folder, "index.html"), "<p>built</p>");
  await writeFile(join(folder, "boot.js"), "1");
  await writeFile(`${folder}.js`, "outside");
  upstream = createServer(async (asked, told) => {
    let body = "";
    for await (const chunk of asked) body += chunk;
    told.setHeader("content-type", "text/html; charset=utf-8");
    told.setHeader("content-security-policy", "default-src 'self'");
    if (asked.url === "/away") told.writeHead(302, { location: "https://evil.example/" });
    told.end(`${asked.method} ${asked.url} ${body}`);
  });
  await new Promise<void>((listening) => upstream.listen(0, "127.0.0.1", listening));
  server = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});

afterAll(async () => {
  upstream.close();
  await Promise.all([rm(folder, { recursive: true }), rm(`${folder}.js`)]);
});

const forward = (request: Request) => fetch(request, { redirect: "error" });
const ask = (path: string, details?: RequestInit, built: string | null = folder) =>
  answer({ server, folder: built, forward }, new Request(new URL(path, server), details));

test("the built page and its files are answered without the server", async () => {
  const page = await ask("/");
  expect(await page.text()).toBe("<p>built</p>");
  expect(page.headers.get("content-security-policy")).toBe(POLICY);
  const script = await ask("/boot.js");
  expect([await script.text(), script.headers.get("content-type")]).toEqual([
    "1",
    "text/javascript; charset=utf-8",
  ]);
  const gone = { server, folder, forward: () => Promise.reject(new Error("no network")) };
  expect((await answer(gone, new Request(`${server}/`))).status).toBe(200);
  expect((await answer(gone, new Request(`${server}/v1/scores`))).type).toBe("error");
});

test("all else is the server's to answer, and its pages are kept as strict", async () => {
  const made = await ask("/v1/scores", { method: "POST", body: "air" });
  expect(await made.text()).toBe("POST /v1/scores air");
  expect(made.headers.get("content-security-policy")).toBe(`default-src 'self', ${POLICY}`);
  expect(await (await ask("/", {}, null)).text()).toBe("GET / ");
  expect((await ask("/away")).type).toBe("error");
});

test("no file outside of the folder is given, and no other host is asked", async () => {
  const name = folder.split("/").at(-1);
  for (const path of [`/..%2F${name}.js`, `/%2e%2e%2f${name}.js`, `/x/..%2f..%2f${name}.js`]) {
    expect(await (await ask(path)).text()).toBe(`GET ${path} `);
  }
  const setup = { server, folder, forward: () => Promise.reject(new Error("asked")) };
  const other = await answer(setup, new Request("https://evil.example/boot.js"));
  expect(other.type).toBe("error");
});
