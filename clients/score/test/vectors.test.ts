import { expect, test } from "vitest";
import cases from "../../../tests/vectors/score_views.json" with { type: "json" };
import { type Facets, normalise, viewJson } from "../src/index.ts";

test("there are vectors", () => {
  expect(cases.length).toBeGreaterThan(50);
});

test.each(cases.map(({ name, facets, view }) => [name, facets, view] as const))(
  "%s has the view that the server gives it",
  (_name, facets, view) => {
    const kept = JSON.stringify(facets);
    expect(JSON.stringify(viewJson(normalise(facets as Facets)))).toBe(JSON.stringify(view));
    expect(JSON.stringify(facets)).toBe(kept);
  },
);
