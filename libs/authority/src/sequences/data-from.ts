import type { DataFrom } from '@bailiwick/contracts/policy/rule';
import { LIMITS } from '@bailiwick/core/limits';
import { compilePast, type ReportFault } from './matcher';
import { keyFor, present, windowOf, type Operator, type Verdict } from './operators';
import type { Step } from './step';

/**
 * What `data_from` keeps of a tree. Marks of the sort `mark` are times in ms or numbers of actions, as in every operator;
 * marks of values are texts that are equal for equal values.
 */
export interface Flows {
  /** the newest source; undefined: none yet */
  last?: number;
  /** the values of the results of sources, the newest at the end, each with the mark of its source */
  readonly values: Map<string, number>;
  /** sources without an outcome: what they returned is not known yet */
  readonly open: Map<string, number>;
  /** the values of arguments that were stated before any result of a source was: the agent had these itself */
  readonly own: Set<string>;
  /** the newest source of whose result no point stated the values */
  dark?: number;
  /** the newest source of whose values some were dropped here, or left out by the point */
  lost?: number;
  /** an enforcement point has stated values in this tree, so it can */
  speaks?: 1;
}

const { flow: most } = LIMITS.policy.rule;

const newFlows = (): Flows => ({ values: new Map(), open: new Map(), own: new Set() });

/**
 * `data_from`: a value of the arguments of the judged action is one that the result of an earlier step had. A step is a
 * source if its permit matches, or the labels of its result do.
 *
 * It is not known, and so counts as an objection, whether data flows from a source whose result was not stated, is not
 * reported yet, or was dropped, and whether it flows into arguments that are not stated or are only the run's own word.
 * With `unknown: ignore`, values that were dropped or left out do not count, nor a tree in which nothing ever stated any.
 */
export function dataFrom({ within, unknown = 'object', ...of }: DataFrom, report: ReportFault): Operator {
  const { size, byActions } = windowOf(within);
  const isSource = compilePast(of, report);
  const unlessIgnored: Verdict = unknown === 'ignore' ? false : undefined;
  return {
    key: keyFor('data_from', { of: present(of), within }),
    values: most.values * 2 + most.open * 2 + most.own + 4,
    byActions,
    matches: (step) => isSource(step) || step.marks !== undefined,
    followsOutcomes: true,
    feed(state, step, mark) {
      const flows = (state ?? newFlows()) as Flows;
      if (isStated(step)) flows.speaks = 1;
      if (step.kind === 'result' || step.kind === 'ended') returned(flows, step, mark, isSource(step));
      else permitted(flows, step, mark, isSource(step));
      return flows;
    },
    holds(state, step, now) {
      if (state === undefined) return false;
      const flows = state as Flows;
      const isNear = (mark: number | undefined): boolean => mark !== undefined && now - mark <= size;
      if (!isNear(flows.last)) return false;
      const marks = marksOf(step);
      if (marks.some((each) => isNear(flows.values.get(each)))) return true;
      if (!isStated(step)) return flows.speaks === 1 || step.marks !== undefined ? undefined : unlessIgnored;
      if (isNear(flows.dark) || anyOf(flows.open, isNear)) return undefined;
      return isNear(flows.lost) || marks.length >= LIMITS.valuesPerCall ? unlessIgnored : false;
    },
  };
}

export const isFlows = (value: unknown): value is Flows =>
  typeof value === 'object' && value !== null && 'values' in value && 'open' in value;

/** The values as a point states them. Those that a run states itself are not all that there may be. */
const isStated = ({ marks, isOwnWord }: Step): boolean =>
  marks !== undefined && marks !== 'unavailable' && isOwnWord !== true;

const NONE: readonly string[] = [];
const marksOf = ({ marks = NONE }: Step): readonly string[] => (marks === 'unavailable' ? NONE : marks);

function permitted(flows: Flows, step: Step, mark: number, isSource: boolean): void {
  if (step.kind !== 'permitted') return;
  if (isStated(step) && isAllKnown(flows))
    for (const each of marksOf(step)) if (!flows.values.has(each)) add(flows.own, each);
  if (!isSource) return;
  flows.last = mark;
  if (step.actionId === undefined) flows.dark = mark;
  else flows.open.set(step.actionId, mark);
  for (const [id, opened] of flows.open) {
    if (flows.open.size <= most.open) return;
    flows.open.delete(id);
    flows.dark = Math.max(flows.dark ?? 0, opened);
  }
}

/** Values that are sent while the result of a source is not, or no longer, known may have come from it. */
const isAllKnown = ({ open, dark, lost }: Flows): boolean =>
  open.size === 0 && dark === undefined && lost === undefined;

/** An outcome of a step: of a source, or one whose labels make it one. */
function returned(flows: Flows, step: Step, now: number, isSource: boolean): void {
  const opened = flows.open.get(step.actionId ?? '');
  if (opened === undefined && !isSource) return;
  const mark = isSource ? now : (opened as number);
  flows.open.delete(step.actionId ?? '');
  flows.last = Math.max(flows.last ?? 0, mark);
  const marks = marksOf(step);
  for (const each of marks) {
    if (flows.own.has(each)) continue;
    flows.values.delete(each);
    flows.values.set(each, mark);
  }
  if (!isStated(step)) flows.dark = Math.max(flows.dark ?? 0, mark);
  if (marks.length >= LIMITS.valuesPerResult) flows.lost = Math.max(flows.lost ?? 0, mark);
  for (const [value, of] of flows.values) {
    if (flows.values.size <= most.values) return;
    flows.values.delete(value);
    flows.lost = Math.max(flows.lost ?? 0, of);
  }
}

/** Keeps the first ones: a value that is forgotten here counts as one of a source, which is the stricter answer. */
function add(own: Set<string>, value: string): void {
  if (own.size < most.own) own.add(value);
}

function anyOf(marks: ReadonlyMap<string, number>, holds: (mark: number) => boolean): boolean {
  for (const mark of marks.values()) if (holds(mark)) return true;
  return false;
}

/** The row of a snapshot. */
export interface FlowsRow {
  readonly flows: readonly [
    values: [value: string, mark: number][],
    open: [actionId: string, mark: number][],
    own: string[],
  ];
  readonly last?: number;
  readonly dark?: number;
  readonly lost?: number;
  readonly speaks?: 1;
}

export const flowsRow = ({ values, open, own, ...rest }: Flows): FlowsRow => ({
  flows: [[...values], [...open], [...own]],
  ...rest,
});

export const flowsOf = ({ flows: [values, open, own], ...rest }: FlowsRow): Flows => ({
  values: new Map(values),
  open: new Map(open),
  own: new Set(own),
  ...rest,
});

export const isFlowsRow = (value: unknown): value is FlowsRow =>
  typeof value === 'object' && value !== null && 'flows' in value;
