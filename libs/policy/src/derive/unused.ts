import { hasVerb } from '@bailiwick/authority/dimensions/entry';
import { describeSelector, verdictNear } from '@bailiwick/authority/dimensions/resources';
import { describeEntry } from '@bailiwick/authority/dimensions/entry';
import { matchesVerb } from '@bailiwick/authority/matching/verbs/verb';
import { COUNTER_OF, type Limits, type ResourcesLimit } from '@bailiwick/contracts/grants/grant';
import type { RecordedCall } from './recorded-run';

/** A lease with the calls that were permitted under it and under the leases below it. */
export interface UsedLease {
  readonly agentClass: string;
  readonly limits: Limits;
  readonly calls: readonly RecordedCall[];
  /** the number of leases delegated from it */
  readonly children: number;
}

/** What leases of a class allowed, and none of them used. */
export interface Unused {
  readonly agentClass: string;
  readonly kind: 'verb' | 'resource' | 'permission' | 'cap' | 'delegation';
  /** human-readable */
  readonly what: string;
  /** the number of leases that allowed it */
  readonly leases: number;
  /** of a cap: the largest share that a lease used */
  readonly share?: number;
}

/** Caps of which no lease used more than this share are listed. */
const LITTLE = 0.5;

interface Line extends Omit<Unused, 'share'> {
  leases: number;
  used: boolean;
  share: number | undefined;
}

/** Lists what no lease of its class used, what most leases allowed first. */
export function unusedOf(leases: readonly UsedLease[]): Unused[] {
  const lines = new Map<string, Line>();
  for (const lease of leases) {
    for (const { kind, what, used, share } of linesOf(lease)) {
      const key = JSON.stringify([lease.agentClass, kind, what]);
      const line = lines.get(key) ?? {
        agentClass: lease.agentClass,
        kind,
        what,
        leases: 0,
        used: false,
        share: undefined,
      };
      line.leases += 1;
      line.used ||= used;
      if (share !== undefined) line.share = Math.max(line.share ?? 0, share);
      lines.set(key, line);
    }
  }
  return [...lines.values()]
    .filter(({ used, share }) => (share === undefined ? !used : share < LITTLE))
    .sort((a, b) => b.leases - a.leases || a.what.localeCompare(b.what))
    .map(({ used: _, share, ...line }) => (share === undefined ? line : { ...line, share }));
}

interface LineOfLease extends Pick<Unused, 'kind' | 'what'> {
  readonly used: boolean;
  readonly share?: number;
}

function linesOf({ limits, calls, children }: UsedLease): LineOfLease[] {
  const { actions, resources, permissions = [], delegation } = limits;
  const isUsed = (selectors: ResourcesLimit, among = calls): boolean =>
    among.some((call) => verdictNear(selectors, factsOf(call))?.outcome === 'permit');
  return [
    ...actions.allow.map((pattern): LineOfLease => ({
      kind: 'verb',
      what: pattern,
      used: calls.some(({ verb }) => matchesVerb(pattern, verb)),
    })),
    ...resources.map((selector): LineOfLease => ({
      kind: 'resource',
      what: describeSelector(selector),
      used: isUsed([selector]),
    })),
    ...permissions.map((entry): LineOfLease => ({
      kind: 'permission',
      what: describeEntry(entry),
      used: isUsed(
        entry.resources,
        calls.filter(({ verb }) => hasVerb(entry, verb)),
      ),
    })),
    ...capsOf(limits, calls),
    ...(delegation.children > 0
      ? [{ kind: 'delegation', what: 'delegating', used: children > 0 } satisfies LineOfLease]
      : []),
  ];
}

function capsOf({ budget }: Limits, calls: readonly RecordedCall[]): LineOfLease[] {
  const used = { calls: calls.length, reads: 0, writes: 0, external: 0 };
  for (const { effects } of calls) for (const each of new Set(effects.map((e) => COUNTER_OF[e]))) used[each] += 1;
  return (['calls', 'reads', 'writes', 'external'] as const)
    .filter((counter) => budget[counter] > 0)
    .map((counter) => ({ kind: 'cap', what: counter, used: true, share: used[counter] / budget[counter] }));
}

const factsOf = ({ resource, attributes }: RecordedCall) => ({ resource: { ...resource, attributes } });
