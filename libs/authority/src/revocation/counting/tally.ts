import { heldByRule } from '../revocation-rules';
import { createHash } from 'node:crypto';
import type { Risk } from '@bailiwick/contracts/grants/grant';
import type { PreviewCounts, PreviewView } from '@bailiwick/contracts/queries/query';
import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import type { ActionNode, ApprovalNode, GrantNode, LogState, RunNode } from '../../state/state';
import { Largest } from './largest';
import { ShardedCounts } from './sharded';

/** ids that are hashed together: each call of the hash costs more than its bytes */
const IDS = 256;

type Shown = Pick<
  PreviewView,
  | 'digest'
  | 'byClass'
  | 'byPrincipal'
  | 'byState'
  | 'byDepth'
  | 'byRisk'
  | 'largestTrees'
  | 'mostConsequential'
  | 'sample'
> &
  Partial<Pick<PreviewView, 'unlisted'>>;

/** Counts one target, one item at a time, so that the final step does not grow with the count. */
export class Tally {
  private grants = 0;
  private inFlight = 0;
  private pendingApprovals = 0;
  private pendingRuns = 0;
  private readonly trees = new ShardedCounts();
  private readonly agents = new ShardedCounts();
  private readonly reservedCost: Record<string, number> = {};
  private readonly reservedUnits: Record<string, number> = {};
  private readonly byClass = new Groups();
  private readonly byPrincipal = new Groups();
  private readonly byState = { active: 0, suspended: 0 };
  private readonly byDepth: number[] = [];
  private readonly byRisk: Record<Risk, number> = { low: 0, medium: 0, high: 0, irreversible: 0 };
  private readonly largestTrees = new Largest<string>(LIMITS.previewTop);
  private readonly consequential = new Largest<GrantNode>(LIMITS.previewTop);
  private readonly sample: GrantNode[] = [];
  private readonly hash = createHash('sha256');
  private ids: string[] = [];

  constructor(
    private readonly state: LogState,
    private readonly now: number,
  ) {}

  /** Counts a grant. A run has one lease that is not superseded, so there are as many runs as leases. */
  grant(grant: GrantNode): void {
    const { agent, principalRef } = this.state.runs.get(grant.runId) as RunNode;
    this.grants += 1;
    this.largestTrees.offer(grant.treeId, this.trees.add(grant.treeId), grant.treeId);
    this.agents.add(agent.instance === undefined ? agent.class : `${agent.class}\n${agent.instance}`);
    this.byClass.add(agent.class);
    this.byPrincipal.add(principalRef);
    if (grant.status === 'suspended' || heldByRule(this.state, grant, this.now)) this.byState.suspended += 1;
    else this.byState.active += 1;
    this.byDepth[grant.depth] = (this.byDepth[grant.depth] ?? 0) + 1;
    this.byRisk[grant.limits.risk.ceiling] += 1;
    this.consequential.offer(grant.id, consequenceOf(grant), grant);
    if (this.sample.length < LIMITS.sampleSize) this.sample.push(grant);
    this.id(grant.id);
  }

  approval(approval: ApprovalNode): void {
    this.pendingApprovals += 1;
    if (approval.kind === 'grant') this.pendingRuns += 1;
    this.id(approval.id);
  }

  action({ charge }: ActionNode): void {
    this.inFlight += 1;
    addTo(this.reservedCost, charge.cost);
    if (charge.units) addTo(this.reservedUnits, charge.units);
  }

  get counts(): PreviewCounts {
    const { grants, inFlight, pendingApprovals, pendingRuns, reservedCost, reservedUnits } = this;
    const [trees, agents] = [this.trees.size, this.agents.size];
    return {
      grants,
      runs: grants,
      trees,
      agents,
      inFlight,
      pendingApprovals,
      pendingRuns,
      reservedCost,
      reservedUnits,
    };
  }

  /** @param identity what else the digest depends on: the selector, its target, and the position */
  view(identity: { readonly asOf: number }): Shown {
    this.flush();
    this.hash.update(canonicalize(identity));
    const unlisted = { classes: this.byClass.unlisted, principals: this.byPrincipal.unlisted };
    return {
      digest: `${identity.asOf}.${this.hash.digest('hex')}`,
      byClass: this.byClass.listed,
      byPrincipal: this.byPrincipal.listed,
      ...(unlisted.classes + unlisted.principals === 0 ? {} : { unlisted }),
      byState: this.byState,
      byDepth: [...this.byDepth].map((count) => count ?? 0),
      byRisk: this.byRisk,
      largestTrees: this.largestTrees.items.map(({ key, score }) => ({ treeId: key, grants: score })),
      mostConsequential: this.consequential.items.map(({ item }) => this.consequence(item)),
      sample: this.sample.map(({ id, runId }) => ({ grantId: id, runId, agentClass: this.classOf(runId) })),
    };
  }

  private consequence({ id, runId, treeId, depth, limits, inFlight, children, usage }: GrantNode) {
    const { calls } = usage.committed;
    const risk = limits.risk.ceiling;
    return { grantId: id, runId, treeId, agentClass: this.classOf(runId), depth, risk, inFlight, children, calls };
  }

  private classOf(runId: string): string {
    return this.state.runs.get(runId)?.agent.class ?? '';
  }

  private id(id: string): void {
    if (this.ids.push(id) >= IDS) this.flush();
  }

  private flush(): void {
    if (this.ids.length > 0) this.hash.update(`${this.ids.join('\n')}\n`);
    this.ids = [];
  }
}

const RANK: Record<Risk, number> = { low: 0, medium: 1, high: 2, irreversible: 3 };

/** Orders leases by what stopping them interrupts: the risk that they may take, calls in flight, children, calls made. */
const consequenceOf = ({ limits, inFlight, children, usage }: GrantNode): number =>
  RANK[limits.risk.ceiling] * 1e13 +
  Math.min(inFlight, 9_999) * 1e9 +
  Math.min(children, 9_999) * 1e5 +
  Math.min(usage.committed.calls, 99_999);

function addTo(sums: Record<string, number>, amounts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(amounts)) sums[name] = (sums[name] ?? 0) + value;
}

/** Counts items by name. A response lists a bounded number of names; items with other names are counted together. */
class Groups {
  readonly listed: Record<string, number> = Object.create(null) as Record<string, number>;
  unlisted = 0;
  private names = 0;

  add(name: string): void {
    const known = this.listed[name];
    if (known === undefined && this.names >= LIMITS.previewGroups) this.unlisted += 1;
    else {
      if (known === undefined) this.names += 1;
      this.listed[name] = (known ?? 0) + 1;
    }
  }
}
