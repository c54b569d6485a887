import { describe, expect, test } from "vitest";
import { turnBy } from "../src/ui/turning.ts";

/** A window of 800 pixels with a bar of 100 at its top and one of 30 at its end. */
const FREE = { top: 100, bottom: 770 };

describe("a row that is played", () => {
  test.each([
    ["all in sight stays where it is", 120, 400, 0],
    ["right under the bar stays", 100, 390, 0],
    ["right over the other bar stays", 490, 770, 0],
    ["is turned to when its end is below", 500, 790, 400],
    ["is turned to when all of it is below", 1_500, 1_790, 1_400],
    ["is turned to when it is above, as at a repeat", -900, -610, -1_000],
    ["is turned to when its head is under the bar", 60, 350, -40],
    ["higher than the window is shown from its head", 300, 1_300, 200],
    ["higher than the window stays when its head is there", 101, 1_101, 0],
  ])("%s", (_what, top, bottom, by) => {
    expect(turnBy({ top, bottom }, FREE)).toBe(by);
  });
});
