import { expect, test, vi } from "vitest";
import { StandIn } from "./stand-in.ts";

test("the example opens one score, locked to its server", async () => {
  const standIn = new StandIn();
  vi.doMock("electron", () => standIn.electron);
  vi.stubEnv("BANDPRO_URL", "https://collab.example");
  vi.stubEnv("BANDPRO_ROOM", "band/air");
  await import("../examples/window.ts");
  await expect.poll(() => standIn.windows.length).toBe(1);
  const { webContents, session } = standIn.windows[0] ?? {};
  expect(webContents?.address).toBe("https://collab.example/#/band%2Fair");
  expect(webContents?.goesOn("will-navigate", { url: "https://evil.example/" })).toBe(false);
  expect(session?.isCancelled({ url: "wss://evil.example/" })).toBe(true);
  expect(standIn.done).toEqual(["sandbox"]);
});
