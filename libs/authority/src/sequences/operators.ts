import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { KeptOfTree, Trajectory } from '@bailiwick/contracts/actions/trajectory';
import type { DISTINCT, Formula, PastMatcher, SeenSteps, StepPart } from '@bailiwick/contracts/policy/rule';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { emptyKeyed, put, type Keyed } from './keyed';
import { compilePast, type Matches, type ReportFault } from './matcher';
import { keyOf, resourceKey, shortened, type Step } from './step';

/** Whether an operator holds; undefined if the bounded state does not show it. */
export type Verdict = boolean | undefined;

/**
 * The state that an operator keeps of one tree, and when it holds. Marks are times in ms or numbers of actions, by the
 * window of the operator.
 */
export interface Operator {
  /** of its content: rules with the same operator share its state, and a deployment keeps it */
  readonly key: string;
  /** the most values that it keeps of a tree */
  readonly values: number;
  readonly byActions: boolean;
  readonly matches: Matches;
  /** receives outcomes without labels too */
  readonly followsOutcomes?: true;
  /** Returns the state after a step that matches. */
  feed(state: unknown, step: Step, mark: number): unknown;
  /** @param now the mark of the judged step */
  holds(state: unknown, step: Step, now: number): Verdict;
}

const { rule: most } = LIMITS.policy;

export interface Window {
  readonly size: number;
  readonly byActions: boolean;
}
export function windowOf(within: string | number | undefined): Window {
  if (typeof within === 'number') return { size: within, byActions: true };
  return { size: within === undefined ? Infinity : (parseDuration(within) ?? Infinity), byActions: false };
}

type Named = { readonly [K in keyof Formula]-?: NonNullable<Formula[K]> };
export const keyFor = (operator: string, content: object): string =>
  canonicalDigest({ operator, ...content }).slice('sha256:'.length, 31);
export const present = ({ labels, any_label, effects, verbs, resource, classes, kind }: PastMatcher): PastMatcher => ({
  labels,
  any_label,
  effects,
  verbs,
  resource,
  classes,
  kind,
});

/** `formerly`, also for `once` and `never`: the newest step that matches. */
export function formerly({ within, same, different, ...of }: SeenSteps, report: ReportFault): Operator {
  const { size, byActions } = windowOf(within);
  const matches = compilePast(of, report);
  const content = { of: present(of), within };
  const plain: Operator = {
    key: keyFor('formerly', content),
    values: 1,
    byActions,
    matches,
    feed: (_state, _step, mark) => mark,
    holds: (state, _step, now) => state !== undefined && now - (state as number) <= size,
  };
  if (same) return ofEach(plain, same, size, most.keys);
  return different ? ofAnother(plain, different, size) : plain;
}

/** Keeps the state of an operator for each resource, verb or run; beyond the bound it is not known. */
function ofEach(of: Operator, parts: readonly StepPart[], size: number, keys: number): Operator {
  return {
    ...of,
    key: keyFor('same', { of: of.key, parts }),
    values: keys * (of.values + 2) + 1,
    feed(state, step, mark) {
      const key = keyOf(step, parts);
      if (key === undefined) return state;
      const keyed = (state ?? emptyKeyed()) as Keyed<unknown>;
      const after = of.feed(keyed.byKey.get(key)?.[1], step, mark);
      if (after === undefined) return state;
      put(keyed, key, mark, after, keys);
      return keyed;
    },
    holds(state, step, now) {
      const key = keyOf(step, parts);
      const keyed = (state ?? emptyKeyed()) as Keyed<unknown>;
      const known = of.holds(key === undefined ? undefined : keyed.byKey.get(key)?.[1], step, now);
      return known === false && keyed.lost !== undefined && now - keyed.lost <= size ? undefined : known;
    },
  };
}

/** Holds if the newest step that has another resource, verb or run is in the window: of two different ones, one is. */
function ofAnother(of: Operator, parts: readonly StepPart[], size: number): Operator {
  return {
    ...of,
    key: keyFor('different', { of: of.key, parts }),
    values: 2 * 3 + 1,
    feed(state, step, mark) {
      const keyed = (state ?? emptyKeyed()) as Keyed<0>;
      // a step that lacks a part differs from every other one
      put(keyed, keyOf(step, parts) ?? '', mark, 0, 2);
      return keyed;
    },
    holds(state, step, now) {
      const key = keyOf(step, parts);
      const { byKey } = (state ?? emptyKeyed()) as Keyed<0>;
      for (const [other, [mark]] of byKey) if ((other !== key || other === '') && now - mark <= size) return true;
      return false;
    },
  };
}

/** The newest step that matches `step`, and whether one that matches `no` followed. */
export function since({ step: of, no, within }: Named['since'], report: ReportFault): Operator {
  const { size, byActions } = windowOf(within);
  const [starts, ends] = [
    compilePast(of, (path, message) => report(['step', ...path], message)),
    compilePast(no, (path, message) => report(['no', ...path], message)),
  ];
  type State = readonly [mark: number, isOpen: 0 | 1];
  return {
    key: keyFor('since', { of: present(of), no: present(no), within }),
    values: 2,
    byActions,
    matches: (step) => starts(step) || ends(step),
    feed(state, step, mark): State | undefined {
      if (starts(step)) return [mark, 1];
      return state === undefined ? undefined : [(state as State)[0], 0];
    },
    holds(state, _step, now) {
      if (state === undefined) return false;
      const [mark, isOpen] = state as State;
      return isOpen === 1 && now - mark <= size;
    },
  };
}

/** Keeps the marks of the newest steps, as many as it counts to. */
export function countWithin(
  { within, at_least: least, same, ...of }: Named['count_within'],
  report: ReportFault,
): Operator {
  const { size, byActions } = windowOf(within);
  const matches = compilePast(of, report);
  if (same && least > most.countOfEach)
    report(['at_least'], `must be at most ${most.countOfEach} with same, since each is counted separately`);
  const plain: Operator = {
    key: keyFor('count', { of: present(of), within, least }),
    values: least,
    byActions,
    matches,
    feed(state, _step, mark) {
      const marks = (state ?? []) as number[];
      marks.push(mark);
      if (marks.length > least) marks.shift();
      return marks;
    },
    holds(state, step, now) {
      const marks = (state ?? []) as number[];
      const earlier = least - (matches(step) ? 1 : 0);
      if (earlier <= 0) return true;
      return marks.length >= earlier && now - (marks[marks.length - earlier] as number) <= size;
    },
  };
  return same ? ofEach(plain, same, size, most.keys) : plain;
}

const PARTS: Readonly<Record<(typeof DISTINCT)[number], (step: Step) => string | undefined>> = {
  resources: resourceKey,
  verbs: ({ verb }) => verb,
  types: ({ resource }) => resource?.type,
  runs: ({ runId }) => runId,
  classes: ({ agentClass }) => agentClass,
};

/** Keeps the newest different ones with the mark of each, as many as it counts to. */
export function countDistinctWithin(
  { within, of: what, at_least: least, ...of }: Named['count_distinct_within'],
  report: ReportFault,
): Operator {
  const { size, byActions } = windowOf(within);
  const matches = compilePast(of, report);
  const keyIn = (step: Step): string | undefined => {
    const key = PARTS[what](step);
    return key === undefined ? undefined : shortened(key);
  };
  return {
    key: keyFor('distinct', { of: present(of), within, what, least }),
    values: least * 3 + 1,
    byActions,
    matches,
    feed(state, step, mark) {
      const key = keyIn(step);
      if (key === undefined) return state;
      const keyed = (state ?? emptyKeyed()) as Keyed<0>;
      put(keyed, key, mark, 0, least);
      return keyed;
    },
    holds(state, step, now) {
      const { byKey } = (state ?? emptyKeyed()) as Keyed<0>;
      const own = matches(step) ? keyIn(step) : undefined;
      const others = byKey.size - (own !== undefined && byKey.has(own) ? 1 : 0);
      const needed = least - (own === undefined ? 0 : 1);
      if (needed <= 0) return true;
      // the newest ones are at the end: the first that is needed is almost at the start
      let skip = others - needed;
      if (skip < 0) return false;
      for (const [key, [mark]] of byKey) if (key !== own && skip-- === 0) return now - mark <= size;
      return false;
    },
  };
}

/** An amount, with the marks of the first and the last step that it is the sum of. */
type Amount = readonly [first: number, last: number, amount: number];

/** Keeps the newest amounts; beyond the bound it joins two that are near, and knows only between what the sum is. */
export function sumWithin(
  { within, of: what, at_least: least, same, ...of }: Named['sum_within'],
  report: ReportFault,
): Operator {
  const { size, byActions } = windowOf(within);
  const matches = compilePast(of, report);
  const amountOf = amountIn(what);
  const plain: Operator = {
    key: keyFor('sum', { of: present(of), within, what, least }),
    values: most.amounts * 3,
    byActions,
    matches,
    feed(state, step, mark) {
      const amount = amountOf(step.charge);
      const before = (state ?? []) as Amount[];
      if (amount <= 0) return state;
      const amounts = before.filter(([, last]) => mark - last <= size);
      amounts.push([mark, mark, amount]);
      return amounts.length > most.amounts ? joinNearest(amounts) : amounts;
    },
    holds(state, step, now) {
      let [surely, atMost] = matches(step) ? [amountOf(step.charge), amountOf(step.charge)] : [0, 0];
      for (const [first, last, amount] of (state ?? []) as Amount[]) {
        if (now - last <= size) atMost += amount;
        if (now - first <= size) surely += amount;
      }
      return surely >= least ? true : atMost < least ? false : undefined;
    },
  };
  return same ? ofEach(plain, same, size, most.keys / 8) : plain;
}

function joinNearest(amounts: readonly Amount[]): Amount[] {
  let [nearest, gap] = [0, Infinity];
  for (let i = 0; i + 1 < amounts.length; i++) {
    const width = (amounts[i + 1] as Amount)[1] - (amounts[i] as Amount)[0];
    if (width < gap) [nearest, gap] = [i, width];
  }
  const [a, b] = [amounts[nearest] as Amount, amounts[nearest + 1] as Amount];
  const joined: Amount = [a[0], b[1], Math.min(a[2] + b[2], Number.MAX_SAFE_INTEGER)];
  return [...amounts.slice(0, nearest), joined, ...amounts.slice(nearest + 2)];
}

function amountIn(what: string): (charge: Consumed | undefined) => number {
  const [kind, name = ''] = what.split('.') as ['calls' | 'cost' | 'units', string?];
  if (kind === 'cost' || kind === 'units')
    return (charge) => {
      const amounts = charge?.[kind];
      return amounts && Object.hasOwn(amounts, name) ? (amounts[name] as number) : 0;
    };
  return (charge) => charge?.[kind] ?? 0;
}

/** Returns the mark of the judged step: its time, or the number that it has among the actions of its tree. */
export const markOf = (
  { byActions }: Pick<Operator, 'byActions'>,
  { now = 0, kept }: Pick<Trajectory, 'now'> & { readonly kept?: Pick<KeptOfTree, 'actions'> | undefined },
): number => (byActions ? (kept?.actions ?? 0) + 1 : now);
