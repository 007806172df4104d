import type { KeptOfTree } from '@bailiwick/contracts/actions/trajectory';
import type { CompiledRules } from './compile';
import { flowsOf, flowsRow, isFlows, isFlowsRow } from './data-from';
import { isKeyed, type Keyed } from './keyed';
import type { Step } from './step';

/** What the rules in force keep of one tree. */
export interface Kept extends KeptOfTree {
  /** the `id` of the rules that it was fed by last */
  rules: string;
  actions: number;
  readonly states: Map<string, unknown>;
}

/**
 * Adds a step to what is kept of a tree, and returns it; undefined if nothing is. States of operators that are no longer
 * in force are dropped: they would lack this step if their rule returned.
 * @param at the time of the step, ms
 */
export function feed(
  kept: Kept | undefined,
  { operators, flows, keys, id }: CompiledRules,
  step: Step,
  at: number,
): Kept | undefined {
  if (kept && kept.rules !== id) {
    for (const key of kept.states.keys()) if (!keys.has(key)) kept.states.delete(key);
    kept.rules = id;
    if (kept.states.size === 0) kept = undefined;
  }
  if (operators.length === 0) return kept;
  const isAction = step.kind === 'permitted' || step.kind === 'denied';
  if (kept && isAction) kept.actions += 1;
  for (const operator of step.kind === 'ended' ? flows : operators) {
    const before = kept?.states.get(operator.key);
    if (!operator.matches(step) && !(before !== undefined && operator.followsOutcomes && isOutcome(step))) continue;
    const after = operator.feed(before, step, operator.byActions ? (kept?.actions ?? 1) : at);
    if (after === undefined) continue;
    kept ??= { rules: id, actions: 1, states: new Map() };
    kept.states.set(operator.key, after);
  }
  return kept;
}

const isOutcome = ({ kind }: Step): boolean => kind === 'ended' || kind === 'result';

/** What is kept of a tree as a line of a snapshot holds it. */
export type KeptRow = [rules: string, actions: number, states: [key: string, state: unknown][]];

export const keptRow = ({ rules, actions, states }: Kept): KeptRow => [
  rules,
  actions,
  [...states].map(([key, state]) => [key, stored(state)]),
];

export const keptOf = ([rules, actions, states]: KeptRow): Kept => ({
  rules,
  actions,
  states: new Map(states.map(([key, state]) => [key, restored(state)])),
});

/** Only states by key and flows are objects: the rest are numbers and lists of numbers. */
function stored(state: unknown): unknown {
  if (isFlows(state)) return flowsRow(state);
  if (!isKeyed(state)) return state;
  const byKey = [...state.byKey].map(([key, [mark, inner]]) => [key, mark, stored(inner)]);
  return state.lost === undefined ? { byKey } : { byKey, lost: state.lost };
}

function restored(state: unknown): unknown {
  if (isFlowsRow(state)) return flowsOf(state);
  if (!isKeyed(state)) return state;
  const { byKey, lost } = state as unknown as { byKey: [string, number, unknown][]; lost?: number };
  const keyed: Keyed<unknown> = {
    byKey: new Map(byKey.map(([key, mark, inner]) => [key, [mark, restored(inner)] as const])),
  };
  return lost === undefined ? keyed : { ...keyed, lost };
}
