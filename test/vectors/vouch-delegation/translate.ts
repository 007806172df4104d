import { attenuatesAll } from '@bailiwick/authority/dimensions/all';
import { Chain, UNLIMITED, type Lease } from '../chain';
import { compare, Denied, meaning, Outside, type Row } from '../verdict';
import source from './vectors.json';

interface Node {
  readonly action: readonly string[];
  readonly target: readonly string[];
  readonly resource: string;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly rate: { readonly limit: number; readonly window: string | number };
  readonly policy: Readonly<Record<string, number | boolean>>;
}
interface Vector {
  readonly name: string;
  readonly chain: readonly Node[];
  readonly budget: { readonly max_depth?: number; readonly max_cumulative_ttl_seconds?: number } | null;
  readonly accept: boolean;
  readonly reason: string | null;
}

const MEANING = {
  capability_not_attenuated: /^WIDENS (actions|resources|time|budget)|^NOT_NARROWER$|^BAD_REQUEST budget.windows/,
  // a spelling that leaves the folder is refused as such
  resource_not_narrowed: /^WIDENS resources$|^PATTERN_INVALID$/,
  verifier_budget_exceeded: /^DELEGATION_DEPTH$/,
};

/** A specification without a limit of depth: more than any chain of the corpus has. */
const DEEP = 60;

/**
 * Translates one node of a chain into the request for a lease. A target is the type of a resource, a resource covers
 * itself and all below it, a rate is a window, a policy is a condition on each of its members: a number is the least
 * admissible one.
 */
export function leaseOf(
  { action, target, resource, validFrom, validUntil, rate, policy }: Node,
  depth: number,
): unknown {
  const where = Object.fromEntries(
    Object.entries(policy).map(([name, value]) => [name, typeof value === 'number' ? { gte: value } : { eq: value }]),
  );
  const match = `${resource.replace(/\/$/, '')}/**`;
  return {
    ...UNLIMITED,
    actions: { allow: action },
    resources: target.map((type) => ({ type, match, ...(Object.keys(where).length > 0 ? { where } : {}) })),
    time: { notBefore: validFrom, expiresAt: validUntil },
    budget: { ...UNLIMITED.budget, windows: [{ per: durationOf(rate.window), calls: rate.limit }] },
    delegation: { depth, children: 10, classes: ['*'] },
  };
}

/** Writes an ISO 8601 duration of whole hours as ours; anything else is left as it is. */
const durationOf = (window: string | number): unknown =>
  typeof window === 'string' ? window.replace(/^PT(\d+)H$/, '$1h') : window;

/**
 * Issues the chain. The specification also demands that each node is strictly narrower than the one before: the same
 * rule decides that the one before does not lie inside it. Depth is left out of that, since each child of ours has less
 * of it, and no node of the specification has any.
 */
function decide({ chain, budget }: Vector): void {
  if (budget?.max_cumulative_ttl_seconds !== undefined) throw new Outside('cost of verifying');
  const depth = budget?.max_depth === undefined ? DEEP : budget.max_depth - 1;
  const leases = new Chain(Date.parse((chain[0] as Node).validFrom) - 60_000);
  let parent = rootOf(leases, leaseOf(chain[0] as Node, depth));
  chain.slice(1).forEach((node, at) => {
    const lease = leases.delegate(parent, leaseOf(node, Math.max(0, depth - at - 1)));
    if (isWithin(parent, lease)) throw new Denied(['NOT_NARROWER']);
    parent = lease;
  });
}

/** Issues the first node, which every vector of the corpus accepts. */
function rootOf(leases: Chain, request: unknown): Lease {
  try {
    return leases.root(request);
  } catch (error) {
    throw error instanceof Denied ? new Denied(['ROOT_REFUSED'], error.stated) : error;
  }
}

const isWithin = (inner: Lease, outer: Lease): boolean =>
  attenuatesAll({ ...inner.limits, delegation: NO_CHILDREN }, outer.limits).length === 0;
const NO_CHILDREN = { depth: 0, children: 0, classes: [] };

/** Decides the delegation vectors of vouch-protocol. */
export const vouchDelegation = (): Row[] =>
  (source.vectors as unknown as Vector[]).map((vector) =>
    compare(vector.name, vector.reason === null ? 'permit' : meaning(MEANING, vector.reason), () => decide(vector)),
  );
