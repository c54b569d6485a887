import type { ClusterNode } from "./answers.ts";

export const PAST_MAX = 60;

export interface Past {
  cpu: readonly number[];
  lagMs: readonly number[];
}

/** The last minute of each run of a node, one figure a second, the newest last. */
export type PastByRun = ReadonlyMap<string, Past>;

export function runOf(node: { node: string; boot: number }): string {
  return `${node.node}:${node.boot}`;
}

/** The same with one more moment; runs that are over are forgotten. */
export function withMoment(past: PastByRun, nodes: readonly ClusterNode[]): PastByRun {
  return new Map(
    nodes.map((node) => {
      const before = past.get(runOf(node));
      const cpu = [...(before?.cpu ?? []), node.cpu].slice(-PAST_MAX);
      const lagMs = [...(before?.lagMs ?? []), node.lag_ms].slice(-PAST_MAX);
      return [runOf(node), { cpu, lagMs }];
    }),
  );
}

/**
 * Points of a line through figures, for an SVG polyline: the newest at the right edge, 0 at the
 * bottom.
 *
 * @param least what the top edge stands for at least, so that noise does not look like a storm.
 */
export function linePoints(
  figures: readonly number[],
  least: number,
  width: number,
  height: number,
): string {
  const top = Math.max(least, ...figures);
  const step = width / (PAST_MAX - 1);
  return figures
    .map((figure, index) => {
      const x = width - (figures.length - 1 - index) * step;
      const y = height - (Math.min(figure, top) / top) * height;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
