import { createHash } from 'node:crypto';
import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { PreviewCounts, PreviewView } from '@bailiwick/contracts/queries/query';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { counts, Reach, type Meant } from './reach';
import type { ActionNode, ApprovalNode, GrantNode, LogState, RunNode } from '../state/state';

/** Counts the blast radius in one step. */
export const preview = (state: LogState, meant: Meant, now: number): PreviewView => {
  const pieces = previewInPieces(state, meant, now, Infinity);
  for (;;) {
    const step = pieces.next();
    if (step.done) return step.value;
  }
};

/**
 * Counts the blast radius: everything that a revocation would reach, before it is made. This walks the whole state,
 * which the revocation itself never does, so it pauses after every few leases to let decisions proceed.
 *
 * The result applies to the position at which the count started. Grants and requests from later positions are not
 * counted, and the revocation finds them by their position; those that end during the count may or may not be counted.
 */
export function* previewInPieces(
  state: LogState,
  meant: Meant,
  now: number,
  unitsPerPiece: number,
  asOf = state.next, // evaluated at the call, not with the first piece
): Generator<void, PreviewView> {
  const reach = new Reach(state, meant, now, asOf);
  const tallies: Record<RevocationTarget, Tally> = { tool: new Tally(state), leases: new Tally(state) };
  const both: readonly RevocationTarget[] = namesVerb(meant.selector) ? ['tool', 'leases'] : ['leases'];
  let paused = 0;
  const isDue = (): boolean => {
    reach.work += 1;
    if (reach.work - paused < unitsPerPiece) return false;
    paused = reach.work;
    return true;
  };
  let last = asOf;
  for (let i = indexBefore(state.order, last); i >= 0;) {
    const grant = state.order[i] as GrantNode;
    last = grant.position;
    const reached = reach.grant(grant);
    for (const target of both) if (counts(reached, target)) tallies[target].grant(grant);
    i -= 1;
    if (!isDue()) continue;
    yield;
    i = indexBefore(state.order, last); // forgotten grants have left the list since
  }
  for (const approval of state.waiting.since(0)) {
    if (approval.position < asOf) {
      const reached = reach.approval(approval);
      for (const target of both) if (counts(reached, target)) tallies[target].approval(approval);
    }
    if (isDue()) yield;
  }
  for (const action of state.actions.values()) {
    if (action.position < asOf) {
      const reached = reach.action(action);
      for (const target of both) if (counts(reached, target)) tallies[target].action(action);
    }
    if (isDue()) yield;
  }
  const tally = tallies[reach.target];
  return {
    ...tally.view({ selector: meant.selector, target: reach.target, quarantine: meant.quarantine ?? false }, asOf),
    ...(both.length === 1
      ? {}
      : { target: reach.target, targets: { tool: tallies.tool.counts, leases: tallies.leases.counts } }),
    asOf,
  };
}

/** Returns the index of the last grant before a position: the list is ordered by position. */
function indexBefore(order: readonly GrantNode[], position: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((order[middle] as GrantNode).position < position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Counts one target, one item at a time, so that the final step does not grow with the count. */
class Tally {
  private grants = 0;
  private inFlight = 0;
  private pendingApprovals = 0;
  private pendingRuns = 0;
  private readonly trees = new Set<string>();
  private readonly agents = new Set<string>();
  private readonly reservedCost: Record<string, number> = {};
  private readonly byClass = new Groups();
  private readonly byPrincipal = new Groups();
  private readonly sample: GrantNode[] = [];
  private readonly hash = createHash('sha256');

  constructor(private readonly state: LogState) {}

  /** Counts a grant. A run has one lease that is not superseded, so there are as many runs as leases. */
  grant(grant: GrantNode): void {
    const run = this.state.runs.get(grant.runId) as RunNode;
    this.grants += 1;
    this.trees.add(grant.treeId);
    this.agents.add(`${run.agent.class}\n${run.agent.instance ?? ''}`);
    this.byClass.add(run.agent.class);
    this.byPrincipal.add(run.principalRef);
    if (this.sample.length < LIMITS.sampleSize) this.sample.push(grant);
    this.hash.update(`${grant.id}\n`);
  }

  approval(approval: ApprovalNode): void {
    this.pendingApprovals += 1;
    if (approval.kind === 'grant') this.pendingRuns += 1;
    this.hash.update(`${approval.id}\n`);
  }

  action({ charge }: ActionNode): void {
    this.inFlight += 1;
    for (const [currency, value] of Object.entries(charge.cost))
      this.reservedCost[currency] = (this.reservedCost[currency] ?? 0) + value;
  }

  get counts(): PreviewCounts {
    const { grants, inFlight, pendingApprovals, pendingRuns, reservedCost } = this;
    return {
      grants,
      runs: grants,
      trees: this.trees.size,
      agents: this.agents.size,
      inFlight,
      pendingApprovals,
      pendingRuns,
      reservedCost,
    };
  }

  view(meant: Meant, asOf: number): Omit<PreviewView, 'asOf'> {
    this.hash.update(canonicalize({ ...meant, asOf }));
    const unlisted = { classes: this.byClass.unlisted, principals: this.byPrincipal.unlisted };
    return {
      digest: `${asOf}.${this.hash.digest('hex')}`,
      counts: this.counts,
      byClass: this.byClass.listed,
      byPrincipal: this.byPrincipal.listed,
      ...(unlisted.classes + unlisted.principals === 0 ? {} : { unlisted }),
      sample: this.sample.map(({ id, runId }) => ({
        grantId: id,
        runId,
        agentClass: this.state.runs.get(runId)?.agent.class ?? '',
      })),
    };
  }
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
