import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Measuring } from "../src/session/measuring.ts";
import { begun, type } from "./tune.ts";

// A server that takes reports and keeps what they say.
let told: unknown[] = [];
const server = createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => {
    told.push([request.method, request.url, Object.keys(JSON.parse(text))]);
    response.writeHead(204).end();
  });
});
const frames: (() => void)[] = [];

beforeEach(async () => {
  told = [];
  await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
  // Node draws no frames: here each comes when it is let.
  globalThis.requestAnimationFrame = (draw) => frames.push(() => draw(0));
});

afterEach(async () => {
  Reflect.deleteProperty(globalThis, "requestAnimationFrame");
  await new Promise((go) => server.close(go));
});

async function frame(): Promise<void> {
  for (const draw of frames.splice(0)) draw();
  await new Promise((go) => setTimeout(go, 1));
}

test("edits are measured when they are drawn, while that is allowed", async () => {
  const { port } = server.address() as AddressInfo;
  const measuring = new Measuring(`http://127.0.0.1:${port}`, false);
  const { desk, score } = begun();
  const measured = measuring.watch(score);
  const edit = async () => {
    type(desk, "5a");
    measured.drawn(desk.desktop.get().index.view);
    await frame();
  };
  await edit();
  await measuring.report();
  expect(told).toEqual([]);

  // Nothing is told of what was before, nor of an edit until it is drawn.
  measuring.allow(true);
  const older = desk.desktop.get().index.view;
  type(desk, "5a");
  measured.drawn(older);
  await frame();
  await measuring.report();
  expect(told).toEqual([]);
  measured.drawn(desk.desktop.get().index.view);
  await frame();
  await measuring.report();
  expect(told).toEqual([["POST", "/v1/measurements", ["edit_shown_ms"]]]);

  // What is measured and not reported when it is switched off is never sent.
  await edit();
  measuring.allow(false);
  await edit();
  measuring.allow(true);
  await measuring.report();
  measuring.close();
  expect(told).toHaveLength(1);
});
