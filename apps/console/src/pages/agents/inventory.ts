import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';

/** The manifest of a class in the policy in force. */
export interface Manifest {
  readonly class: string;
  readonly owner: string;
}
export interface Instance {
  /** empty: the runs named none */
  readonly name: string;
  readonly modelVersion?: string;
  readonly runs: number;
  readonly holding: number;
  readonly lastSeen: string;
}
/** A class of agents, from its runs and its manifest. */
export interface AgentClass {
  readonly name: string;
  /** left out if no manifest names one: an orphan */
  readonly owner?: string;
  readonly instances: readonly Instance[];
  /** the people in whose name it ran */
  readonly people: readonly string[];
  readonly runs: number;
  /** its leases that are live */
  readonly leases: readonly GrantView[];
  /** the verbs that its live leases allow */
  readonly holds: readonly string[];
  /** left out if it has a manifest and no run was read */
  readonly lastSeen?: string;
}

/** The items by a key, each group in the order of the list. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

const HOLDING = new Set(['active', 'pending', 'suspended']);
/** An agent reports the end of a run; any other end comes from elsewhere. */
const seenAt = ({ status, startedAt, endedAt }: RunView): string =>
  status === 'completed' && endedAt !== undefined ? endedAt : startedAt;
const later = (a: string | undefined, b: string): string => (a === undefined || a < b ? b : a);

/** The classes of agents: those that ran, and those that only have a manifest. The last seen come first. */
export function inventoryOf(
  runs: readonly RunView[],
  grants: readonly GrantView[],
  manifests: readonly Manifest[],
): AgentClass[] {
  const classOf = new Map(runs.map(({ id, agent }) => [id, agent.class]));
  const owners = new Map(manifests.map((each) => [each.class, each.owner]));
  const runsOf = grouped(runs, ({ agent }) => agent.class);
  const leasesOf = grouped(grants, ({ runId }) => classOf.get(runId) ?? '');
  // a manifest of `*` holds for the classes that have none
  const names = new Set([...runsOf.keys(), ...owners.keys()]);
  names.delete('*');
  return [...names]
    .map((name): AgentClass => {
      const own = runsOf.get(name) ?? [];
      const leases = leasesOf.get(name) ?? [];
      const owner = owners.get(name) ?? owners.get('*');
      const lastSeen = own.reduce<string | undefined>((latest, run) => later(latest, seenAt(run)), undefined);
      return {
        name,
        ...(owner === undefined ? {} : { owner }),
        instances: instancesOf(own),
        people: [...new Set(own.flatMap(({ requestedBy }) => requestedBy ?? []))].sort(),
        runs: own.length,
        leases,
        holds: [...new Set(leases.flatMap(({ limits }) => limits.actions.allow))].sort(),
        ...(lastSeen === undefined ? {} : { lastSeen }),
      };
    })
    .sort((a, b) => (b.lastSeen ?? '').localeCompare(a.lastSeen ?? '') || a.name.localeCompare(b.name));
}

function instancesOf(runs: readonly RunView[]): Instance[] {
  return [...grouped(runs, ({ agent }) => agent.instance ?? '')]
    .map(([name, own]): Instance => {
      const newest = own.reduce((a, b) => (a.startedAt < b.startedAt ? b : a));
      const modelVersion = newest.agent.posture?.modelVersion;
      return {
        name,
        ...(modelVersion === undefined ? {} : { modelVersion }),
        runs: own.length,
        holding: own.filter(({ status }) => HOLDING.has(status)).length,
        lastSeen: own.map(seenAt).reduce(later),
      };
    })
    .sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
}
