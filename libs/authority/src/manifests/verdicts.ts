import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { formatDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { DIMENSION_TABLE } from '../dimensions/all';
import { mayDelegate } from '../dimensions/delegation';
import type { ActionFacts, Situation, Usage, Verdict } from '../dimensions/dimension';
import { scopesOf } from '../state/scopes';
import { addCharge, nothing, windowKey, type Mutable } from '../state/usage';
import { clip } from '../presentation/text';
import type { Manifest } from './agents';
import { outside } from './hours';
import type { Most } from './most';

/** A lease of a chain, with what it has used as its leaf sees it. */
export interface Held {
  readonly agentClass: string;
  readonly limits: Limits;
  readonly usage: Usage;
  /** ms */
  readonly issuedAt: number;
  /** the keys of windows and scopes that it has not counted since its issue */
  readonly added?: readonly string[] | undefined;
  /** a person approved it beyond this manifest, given by its digest */
  readonly beyond: string | undefined;
}

/** A call: what is done, by leases of which classes below the judged one, nearest last, and when. */
export interface Judged {
  readonly facts: ActionFacts;
  readonly drift: Situation['drift'];
  readonly below: readonly string[];
  readonly now: number;
}

/** Without a manifest an agent may do nothing: in doubt, no (I11). */
const NO_MANIFEST: Reason = {
  rule: 'manifest',
  outcome: 'deny',
  code: 'NO_MANIFEST',
  message: 'the policy has agents, and none of its manifests is of this class',
};

/**
 * Returns every objection of a manifest to a call under one lease of its class. It is judged apart from the lease, so that
 * it can only add to the objections of the lease.
 */
export function verdictsOf(manifest: Manifest | undefined, held: Held, call: Judged): Reason[] {
  if (manifest === undefined) return [NO_MANIFEST];
  if (manifest.fault !== undefined)
    return [{ ...NO_MANIFEST, message: `this release cannot read the manifest: ${clip(manifest.fault)}` }];
  const late = manifest.hours && outside(manifest.hours, call.now);
  const reasons: Reason[] = late === undefined ? [] : [reasonOf({ ...OUTSIDE, message: late })];
  const { most } = manifest;
  if (most === undefined || held.beyond === manifest.digest) return reasons;
  const tooLong = lengthVerdict(most, held, call.now);
  const passedOn = delegationVerdict(most, call.below);
  return [
    ...reasons,
    ...[tooLong, passedOn].flatMap((each) => each ?? []).map(reasonOf),
    ...boundVerdicts(most, held, call),
  ];
}

const OUTSIDE = { outcome: 'deny', code: 'OUTSIDE_HOURS', path: 'hours' } as const;

const reasonOf = ({ path, ...verdict }: Verdict): Reason => ({
  rule: 'manifest',
  ...verdict,
  ...(path === undefined ? {} : { path: path === 'hours' ? path : `most.${path}` }),
});

/** A lease ends early if a manifest allows less time from its issue, also if it was renewed since. */
function lengthVerdict({ ttlMs }: Most, { issuedAt }: Held, now: number): Verdict | undefined {
  if (ttlMs === undefined || now < issuedAt + ttlMs) return undefined;
  const [longest, end] = [formatDuration(ttlMs), rfc3339(issuedAt + ttlMs)];
  const message = `a lease of this class lasts ${longest} at most from its issue, until ${end}`;
  return { outcome: 'deny', code: 'EXPIRED', message, path: 'time.ttl', limit: longest };
}

/** The leases below one that may not have passed them on may do nothing. */
function delegationVerdict({ names, limits: { delegation } }: Most, below: readonly string[]): Verdict | undefined {
  if (below.length === 0 || !names.includes('delegation')) return undefined;
  const levels = delegation.depth - below.length + 1;
  for (const agentClass of new Set(below)) {
    const verdict = mayDelegate(
      { ...delegation, depth: levels, children: Infinity, concurrent: undefined },
      agentClass,
      0,
    );
    if (verdict.outcome !== 'permit') return verdict;
  }
  return undefined;
}

function boundVerdicts(most: Most, held: Held, { facts, drift, now }: Judged): Reason[] {
  const limits = limitsFor(most, facts);
  const situation: Situation = {
    usage: usageUnder(most, held),
    drift,
    askAt: most.limits.budget.askAt,
    stages: true,
    leaf: false, // the lease itself compares the agent with its declaration
  };
  const names = new Set<string>(most.names);
  return DIMENSION_TABLE.flatMap((dimension): Reason[] => {
    if (!names.has(dimension.name)) return [];
    const verdict = dimension.admits(limits[dimension.name] as never, facts, situation, now);
    return verdict.outcome === 'permit' ? [] : [reasonOf(verdict)];
  });
}

/** Amounts of which the manifest names none are not bounded. */
function limitsFor(most: Most, facts: ActionFacts): Limits {
  if (most.cost && most.units) return most.limits;
  const { budget } = most.limits;
  const cost = most.cost ? budget.cost : anyOf(facts.cost);
  const units = most.units ? budget.units : anyOf(facts.units ?? {});
  return { ...most.limits, budget: { ...budget, cost, units } };
}

const anyOf = (amounts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.keys(amounts).map((name) => [name, LIMITS.amountMax]));

/**
 * Returns the usage of a lease, counted as the manifest counts it. What the lease itself has not counted since its
 * issue (a window, or caps of verbs or permissions that a later manifest or a narrowing added) is taken to be all that it has used: too much, never too little.
 */
export function usageUnder(
  { names, limits }: Most,
  { limits: own, usage, added = [] }: Pick<Held, 'limits' | 'usage' | 'added'>,
): Usage {
  const windows = names.includes('budget') ? limits.budget.windows : [];
  const scopes = scopesOf(limits);
  if (windows.length === 0 && scopes.length === 0) return usage;
  const all = inAll(usage);
  const before = scopesOf(own);
  return {
    ...usage,
    windows: windows.map((window) => {
      const key = windowKey(window);
      const i = added.includes(key) ? -1 : own.budget.windows.findIndex((each) => windowKey(each) === key);
      return usage.windows[i] ?? { buckets: [{ start: Infinity, end: Infinity, used: all }] };
    }),
    scopes: scopes.map(({ key }) => {
      const i = added.includes(key) ? -1 : before.findIndex((each) => each.key === key);
      return usage.scopes?.[i] ?? all;
    }),
  };
}

function inAll({ committed, reserved }: Usage): Mutable {
  const sum = nothing();
  addCharge(sum, committed);
  addCharge(sum, reserved);
  return sum;
}
