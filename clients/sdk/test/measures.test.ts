import { expect, test } from "vitest";
import { openMeasures } from "../src/index.ts";
import { Batch } from "../src/measures/batch.ts";

test("a report has what was measured since the last, and nothing that no clock can say", () => {
  const batch = new Batch();
  expect(batch.take()).toBeNull();
  batch.add("edit_saved_ms", 12.34567);
  batch.add("edit_saved_ms", 600_001);
  batch.add("away_ms", -1);
  batch.add("away_ms", Number.NaN);
  batch.add("layout_shift", 101);
  batch.add("layout_shift", 0.25);
  expect(batch.take()).toEqual({ edit_saved_ms: [12.346], layout_shift: [0.25] });
  expect(batch.take()).toBeNull();
});

test("a report is bounded, and the last value is as likely in it as the first", () => {
  const draws = [0.5, 0.999]; // of 51 values the 26th place, of 52 none that is kept
  const batch = new Batch(() => draws.shift() ?? 1);
  for (let value = 0; value < 52; value++) batch.add("edit_shown_ms", value);
  const kept = Array.from({ length: 50 }, (_, at) => (at === 25 ? 50 : at));
  expect(batch.take()).toEqual({ edit_shown_ms: kept });
});

test("without consent, and outside the share, nothing is kept or sent", async () => {
  const sent: unknown[] = [];
  const fetch = async (_address: unknown, details?: RequestInit): Promise<Response> => {
    sent.push(JSON.parse(String(details?.body)));
    return new Response(null, { status: 204 });
  };
  let agreed = false;
  const consent = (): boolean => agreed;
  const asked = openMeasures("http://localhost", { consent, share: 1, fetch });
  const left = openMeasures("http://localhost", { consent: () => true, share: 0, fetch });
  asked.add("away_ms", 1);
  left.add("away_ms", 2);
  agreed = true;
  await Promise.all([asked.report(), left.report()]);
  asked.add("away_ms", 3);
  agreed = false;
  await asked.report();
  expect(sent).toEqual([]);
  agreed = true;
  asked.add("away_ms", 4);
  await asked.report();
  expect(sent).toEqual([{ away_ms: [4] }]);
});
