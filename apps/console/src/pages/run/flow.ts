import type { RunGraph } from '@bailiwick/contracts/queries/run-graph';

/** A call whose result another call used, or that used one. */
export interface Step {
  readonly id: string;
  readonly verb: string;
  /** the class of the agent; left out if the call is of another tree */
  readonly agent?: string;
  readonly status?: string;
  readonly outcome?: string;
  readonly uses: readonly Use[];
}
/** Values of the result of the step `from`, as its place in the list. Arcs that overlap are in different lanes. */
export interface Use {
  readonly from: number;
  readonly values: number;
  readonly lane: number;
}
export interface Flow {
  readonly steps: readonly Step[];
  readonly lanes: number;
}

/** The calls of a run that values flow between, in the order in which they were decided. At most `lanesMax` lanes. */
export function flowOf({ nodes, edges }: RunGraph, lanesMax: number): Flow {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const data = edges.filter(({ kind, from, to }) => kind === 'data' && byId.has(from) && byId.has(to));
  const inside = new Set(data.flatMap(({ from, to }) => [from, to]));
  const agents = new Map(
    edges.flatMap(({ kind, from, to }) => (kind === 'asked' ? [[to, byId.get(from)?.label] as const] : [])),
  );
  const calls = nodes
    .filter(({ id }) => inside.has(id))
    .sort((a, b) => (a.position ?? -1) - (b.position ?? -1) || (a.id < b.id ? -1 : 1));
  const places = new Map(calls.map(({ id }, at) => [id, at]));
  // the last row that each lane is taken to
  const taken: number[] = [];
  const uses = new Map<string, Use[]>();
  const arcs = data
    .map(({ from, to, values = 1 }) => ({ from: places.get(from) ?? 0, to: places.get(to) ?? 0, target: to, values }))
    .filter(({ from, to }) => from < to)
    .sort((a, b) => a.from - b.from || a.to - b.to);
  for (const { from, to, target, values } of arcs) {
    let lane = taken.findIndex((end) => end <= from);
    if (lane < 0) lane = Math.min(taken.length, lanesMax - 1);
    taken[lane] = Math.max(taken[lane] ?? 0, to);
    uses.set(target, [...(uses.get(target) ?? []), { from, values, lane }]);
  }
  const steps = calls.map(({ id, label, status, outcome }) => {
    const agent = agents.get(id);
    return {
      id,
      verb: label,
      ...(agent === undefined ? {} : { agent }),
      ...(status === undefined ? {} : { status }),
      ...(outcome === undefined ? {} : { outcome }),
      uses: uses.get(id) ?? [],
    };
  });
  return { steps, lanes: taken.length };
}
