import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Change } from '@bailiwick/contracts/replay/replay';
import type { Refusal } from '@bailiwick/contracts/reason';
import { parseTime } from '@bailiwick/core/clock';
import { mayPassOn } from '../commands/grants/delegate';
import { resolveChild } from '../commands/grants/resolve';
import { blockedInChain, livenessReason } from '../state/liveness';
import { chainOf, type RunNode } from '../state/state';
import { cannotSetAside } from '../state/reserves';
import { usageFor } from '../state/scopes';
import { ChangedLimits, type Reissued } from './changed-limits';
import { timeOf, type Of } from './recorded';
import type { ShadowLog } from './shadow-log';

/** Issues the recorded grants again, with the limits that they have under the change. */
export class ShadowGrants {
  private readonly changed: ChangedLimits;

  constructor(
    private readonly log: ShadowLog,
    change: Change,
  ) {
    this.changed = new ChangedLimits(change);
    if (!this.changed.isEmpty) this.changeIssued();
  }

  /** Issues the lease of an opened or delegated run, and opens the run if the lease is issued. */
  open(opened: Of<'RunOpened'>, issued: Of<'GrantIssued'>): void {
    const made = this.reissue(issued, opened.data.agent.class);
    if ('why' in made) return this.notIssued(issued, opened.data.agent.class, made.kind, made.why);
    this.log.fold(opened);
    this.issue(issued, made);
  }

  /** Issues a lease to an existing run, after a person's answer. Reports whether it is issued. */
  raise(issued: Of<'GrantIssued'>, agentClass: string): boolean {
    const made = this.reissue(issued, agentClass);
    if ('why' in made) this.notIssued(issued, agentClass, made.kind, made.why);
    else this.issue(issued, made);
    return !('why' in made);
  }

  refusedDelegation(event: Of<'DelegationRefused'>): void {
    const { agentClass, code, asked } = event.data;
    const at = timeOf(event);
    const chain = chainOf(this.log.state, this.log.currentLease(event.grantId as string));
    const parent = chain?.[0];
    if (!chain || !parent) return;
    // the manifests of that time are not applied again: what they refused stays refused
    const live = code !== 'GRANT_EXCEEDS_MAXIMUM' && !blockedInChain(this.log.state, chain, at);
    const changed = this.log.recorded.has(parent.id) || code === 'DELEGATION_NOT_ALLOWED';
    if (live && changed && mayPassOn(this.log.state, chain, agentClass).outcome === 'permit') {
      if (asked === undefined) this.log.tally.undecidable += 1;
      else if (resolveChild(asked, parent.limits, at).ok) {
        const why = 'the child is no wider than its parent; its actions are unknown';
        return this.log.ofGrant(event, undefined, agentClass, 'refused->issued', why);
      }
    }
    this.log.asRecorded(event);
  }

  /** Decides how a grant would be issued here, or why it would not. */
  private reissue(issued: Of<'GrantIssued'>, agentClass: string): Made | NotMade {
    const { data } = issued;
    const at = timeOf(issued);
    const supersedes = data.supersedes === undefined ? undefined : this.log.currentLease(data.supersedes);
    if (supersedes !== undefined) {
      const chain = chainOf(this.log.state, supersedes);
      const blocked = chain && blockedInChain(this.log.state, chain, at);
      if (!chain || !this.log.state.grants.has(supersedes)) return falls('the raised lease would not exist');
      if (blocked) return falls(livenessReason(chain, blocked).message);
    }
    const parentId = data.parentId === undefined ? undefined : this.log.currentLease(data.parentId);
    const above = parentId === undefined ? [] : chainOf(this.log.state, parentId);
    if (!above) return falls(this.log.whyGone(undefined, data.parentId));
    if (parentId !== undefined && supersedes === undefined) {
      const blocked = blockedInChain(this.log.state, above, at);
      if (blocked) return falls(livenessReason(above, blocked).message);
      const passes = mayPassOn(this.log.state, above, agentClass, { counted: data.approvalId !== undefined });
      if (passes.outcome !== 'permit') return { kind: 'issued->refused', why: passes.message };
      if (data.approvalId === undefined && above.some((grant) => grant.limits.delegation.ask))
        return { kind: 'issued->refused', why: 'a person would have to approve the child' };
    }
    const old = supersedes === undefined ? undefined : this.log.state.grants.get(supersedes);
    const [short] = cannotSetAside(above, data.limits.budget, old);
    if (short) return { kind: 'issued->refused', why: short.message };
    if (this.changed.isEmpty) return { limits: data.limits, parentId, supersedes };
    const named = data.parentId === undefined ? undefined : this.log.recorded.get(data.parentId);
    const grant = {
      grantId: issued.grantId as string,
      treeId: issued.treeId as string,
      agentClass,
      limits: data.limits,
      issuedAt: at,
      parent: above[0] && { recorded: named ?? above[0].limits, limits: above[0].limits },
    };
    if (this.changed.withholds(grant)) return { kind: 'issued->refused', why: 'the change withholds it' };
    const limits = this.changed.of(grant);
    return limits.ok
      ? { limits: limits.value, parentId, supersedes }
      : { kind: 'issued->refused', why: describeRefusal(limits.error) };
  }

  private issue(issued: Of<'GrantIssued'>, { limits, parentId, supersedes }: Made): void {
    if (limits !== issued.data.limits) this.log.recorded.set(issued.grantId as string, issued.data.limits);
    const { runId } = issued;
    this.log.fold({ ...issued, data: { ...issued.data, limits, parentId, supersedes } });
    // a run that was refused before exists again: it was requested again
    if (runId !== undefined) this.log.gone.delete(runId);
  }

  private notIssued(issued: Of<'GrantIssued'>, agentClass: string, kind: string, why: string): void {
    const { supersedes } = issued.data;
    if (supersedes === undefined)
      this.log.gone.set(issued.runId as string, `its lease would not have been issued: ${why}`);
    else {
      this.log.notRaised.set(issued.grantId as string, this.log.currentLease(supersedes));
      this.log.recorded.set(issued.grantId as string, issued.data.limits);
    }
    this.log.ofGrant(issued, issued.grantId, agentClass, kind, why);
  }

  /** Applies the change to earlier grants too. A grant that cannot be narrowed stays as it is, below narrowed ones. */
  private changeIssued(): void {
    for (const grant of this.log.state.order) {
      const run = this.log.state.runs.get(grant.runId) as RunNode;
      const parent = grant.parentId === undefined ? undefined : chainOf(this.log.state, grant.parentId)?.[0];
      const { id: grantId, treeId, issuedAt } = grant;
      const reissued: Reissued = {
        grantId,
        treeId,
        agentClass: run.agent.class,
        limits: grant.limits,
        issuedAt,
        parent: parent && { recorded: this.log.recorded.get(parent.id) ?? parent.limits, limits: parent.limits },
      };
      if (this.changed.withholds(reissued)) {
        this.log.state.grants.delete(grantId);
        this.log.state.openChildren.ended(run); // its run does nothing here, so it occupies no place
        this.log.gone.set(run.id, 'the change withholds its lease');
        continue;
      }
      const limits = this.changed.of(reissued);
      if (!limits.ok || limits.value === grant.limits) continue;
      this.log.recorded.set(grantId, grant.limits);
      Object.assign(grant, {
        limits: limits.value,
        notBefore: parseTime(limits.value.time.notBefore),
        expiresAt: parseTime(limits.value.time.expiresAt),
        usage: {
          ...usageFor(limits.value, this.log.state.next, grant),
          ...(grant.usage.aside ? { aside: grant.usage.aside } : {}),
        },
      });
    }
  }
}

interface Made {
  readonly limits: Limits;
  readonly parentId: string | undefined;
  readonly supersedes: string | undefined;
}
interface NotMade {
  readonly kind: string;
  readonly why: string;
}
const falls = (why: string): NotMade => ({ kind: 'issued->falls-away', why });

const describeRefusal = ({ detail, reasons = [] }: Refusal): string =>
  [detail, ...reasons.map((reason) => `${reason.path ?? reason.rule}: ${reason.message}`)].join('; ').slice(0, 1_000);
