import type { Event } from '@bailiwick/contracts/event';
import type { Limits } from '@bailiwick/contracts/grant';
import type { Change, Fate } from '@bailiwick/contracts/replay';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { parseTime } from '@bailiwick/core/clock';
import { exhaustedBy, timesOf, treeOfAction, withPerson } from '../commands/actions/authorize-action';
import { mayPassOn } from '../commands/grants/delegate';
import { suspensionByDrift } from '../commands/grants/grant';
import { judge } from '../commands/actions/judge';
import { callAsked } from '../commands/actions/refused-before';
import { settlement } from '../commands/actions/settle-action';
import type { NewEvent, Rules } from '../commands/types';
import { evolveUnasked } from '../events/evolve';
import { isOpen } from '../events/endings';
import { blockedInChain, blockedItself, livenessReason } from '../state/liveness';
import { resolveChild } from '../commands/grants/resolve';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../state/state';
import { carryUsage } from '../state/usage';
import { ChangedLimits, type Reissued } from './changed-limits';
import {
  askedOf,
  DECIDED,
  isDecision,
  isOutcome,
  targetExists,
  timeOf,
  type Decision,
  type Of,
  type Outcome,
} from './recorded';
import type { Tally } from './tally';

/**
 * The state that a log would have under a change, next to the recorded one. It takes the events of one command after
 * the other: the rules decide again, on this state; actions of people and the passing of time are kept as recorded, as
 * far as their target still exists. Without a change it equals the recorded state, and nothing differs.
 *
 * Positions, times and ids are the recorded ones: the state has gaps where events fell away. Pure except for `state`,
 * of which it is the only writer.
 */
export class Shadow {
  private readonly changed: ChangedLimits;
  /** grant → its recorded limits, if they differ here */
  private readonly recorded = new Map<string, Limits>();
  /** a lease that was not raised here → the lease that is still current */
  private readonly notRaised = new Map<string, string>();
  /** approval → the call that was permitted here without it */
  private readonly unasked = new Map<string, { actionId: string; position: number }>();
  /** such a call once it was approved, as recorded → the call permitted here */
  private readonly sameCall = new Map<string, string>();
  /** missing runs, and why they are missing */
  private readonly gone = new Map<string, string>();

  /**
   * @param state as recorded up to the start of the change
   * @param rules with the trajectory judged as under the change
   */
  constructor(
    readonly state: LogState,
    change: Change,
    private readonly rules: Rules,
    private readonly tally: Tally,
  ) {
    this.changed = new ChangedLimits(change);
    if (!this.changed.isEmpty) this.changeIssued();
  }

  /** @param events all events of one command, in order */
  take(events: readonly Event[]): void {
    for (const event of events) {
      if (isDecision(event)) return this.decision(event, events);
      if (isOutcome(event)) return this.outcome(event);
      switch (event.type) {
        case 'DriftScored':
          return this.drift(event, events);
        case 'RunOpened':
          return this.opening(event, events);
        case 'DelegationRefused':
          return this.refusedDelegation(event);
        case 'ApprovalGiven':
          return this.answer(event, events);
      }
    }
    for (const event of events) this.asRecorded(event);
  }

  // ---- actions --------------------------------------------------------------------------------------------------

  private decision(event: Decision, events: readonly Event[]): void {
    this.tally.again();
    // a request for approval stays, and so does its answer: it is valid for exactly this call (I8)
    for (const each of events)
      if (each.type === 'ApprovalRequested' || each.type === 'ApprovalExpired') this.asRecorded(each);
    const before = DECIDED[event.type] as Fate;
    const { approvalId } = event.data;
    const first = approvalId === undefined ? undefined : this.unasked.get(approvalId);
    if (first) {
      if (before === 'permit') this.sameCall.set(event.actionId as string, first.actionId);
      return this.differs(event, 'falls-away', [], `this call was already permitted at position ${first.position}`);
    }
    const chain = chainOf(this.state, this.currentLease(event.grantId as string));
    const leaf = chain?.[0];
    const run = leaf && this.state.runs.get(leaf.runId);
    if (!chain || !run) return this.differs(event, 'falls-away', [], this.whyGone(event.runId));
    const above = event.data.parentActionId;
    if (above !== undefined && treeOfAction(this.state, this.sameCall.get(above) ?? above) !== run.treeId)
      return this.differs(event, 'falls-away', [], `the call ${above} that it was part of would not have been made`);
    const at = timeOf(event);
    const { fate, reasons, usesApproval } = this.judged(event, run, chain, at);
    if (fate !== before) this.differs(event, fate, reasons);
    if (fate === 'permit') return this.permit(event, chain, at, usesApproval);
    // no additional person is asked here: the request for approval stays at its recorded position
    this.fold({ ...event, type: fate === 'deny' ? 'ActionDenied' : 'ActionStepUp' } as Decision);
  }

  /** Decides like `authorize`, from the recorded facts of the call, whose names were normalized then. */
  private judged(
    event: Decision,
    run: RunNode,
    chain: readonly GrantNode[],
    now: number,
  ): { fate: Fate; reasons: Reason[]; usesApproval: boolean } {
    const { data } = event;
    const judged = judge(this.state, chain, askedOf(event, run), now, this.rules);
    // the approval of a step-up is the one that it requests, not one that it used
    const id = event.type === 'ActionStepUp' ? undefined : data.approvalId;
    // an older log neither records the card's objections nor required arguments, so its approvals are accepted as
    // recorded
    const shown = id === undefined || this.state.approvals.get(id)?.objections !== undefined;
    const call = {
      binding: data.binding,
      asks: callAsked(run.treeId, data.verb, data.resource, data.argsDigest),
      approvalId: id,
      isExact: data.argsDigest !== undefined || event.type === 'ActionStepUp',
    };
    const { outcome, reasons, approved } = withPerson(
      this.state,
      shown ? judged : { ...judged, objections: [] },
      call,
      now,
    );
    return { fate: outcome, reasons, usesApproval: approved };
  }

  private permit(event: Decision, chain: readonly GrantNode[], at: number, usesApproval: boolean): void {
    const { data, actionId, position } = event;
    const ended = exhaustedBy(chain, data.charge);
    const grantId = this.currentLease(event.grantId as string);
    if (event.type === 'ActionPermitted') {
      this.fold({ ...event, grantId });
      return this.foldAll(event, ended);
    }
    const times = timesOf(chain, at);
    const { approvalId, ...call } = data;
    const used = usesApproval ? { approvalId } : {};
    this.fold({ ...event, type: 'ActionPermitted', grantId, data: { ...call, ...times, ...used } });
    this.foldAll(event, ended);
    // a step-up continues with the person's answer; for a call that was denied nothing more is known
    if (event.type === 'ActionStepUp')
      this.unasked.set(event.data.approvalId, { actionId: actionId as string, position });
    else this.settleAsReserved(event, actionId as string);
  }

  /** Settles a call with an unknown outcome: it is assumed to have cost its reservation. */
  private settleAsReserved(like: Event, actionId: string): void {
    const action = this.state.actions.get(actionId);
    if (!action) return;
    const report = { type: 'ActionCompleted', cost: action.charge.cost, byRun: false } as const;
    this.foldAll(like, settlement(this.state, action, report, timeOf(like)));
  }

  private outcome(event: Outcome): void {
    const own = event.actionId as string;
    const id = this.sameCall.get(own) ?? own;
    const action = this.state.actions.get(id);
    if (!action) {
      this.tally.outcomesFallenAway += 1;
      return;
    }
    const { type, actor } = event;
    const report = { type, cost: event.data.cost, byRun: actor.kind === 'run' };
    const [settled, ...ended] = settlement(this.state, action, report, timeOf(event));
    const { charge, findings } = (settled as Of<'ActionCompleted'>).data;
    this.fold({ ...event, actionId: id, runId: action.runId, data: { ...event.data, charge, findings } });
    this.foldAll(event, ended);
  }

  // ---- drift ----------------------------------------------------------------------------------------------------

  /** Keeps the recorded score; the thresholds of the grant decide its effect. */
  private drift(event: Of<'DriftScored'>, events: readonly Event[]): void {
    const run = this.state.runs.get(event.runId as string);
    if (!run) return;
    this.fold(event);
    const grant = run.grantId === undefined ? undefined : this.state.grants.get(run.grantId);
    const before = events.some((each) => each.type === 'GrantSuspended');
    const at = timeOf(event);
    const { suspendAt } = grant?.limits.purpose.onDrift ?? { suspendAt: 1 };
    const after = grant !== undefined && event.data.score >= suspendAt && !blockedItself(this.state, grant, at);
    if (after) this.foldAll(event, [suspensionByDrift(grant, event.data.score, suspendAt)]);
    if (before === after || !grant) return;
    const why = after
      ? `drift ${event.data.score.toFixed(2)} reaches ${suspendAt}`
      : isOpen(grant.status) && event.data.score < suspendAt
        ? `drift ${event.data.score.toFixed(2)} does not reach ${suspendAt}`
        : `it is ${grant.status} already`;
    this.ofGrant(event, grant.id, run.agent.class, after ? 'on->suspended' : 'suspended->on', why);
  }

  // ---- grants ---------------------------------------------------------------------------------------------------

  private opening(opened: Of<'RunOpened'>, events: readonly Event[]): void {
    const issued = events.find((each): each is Of<'GrantIssued'> => each.type === 'GrantIssued');
    if (!issued) return events.forEach((each) => this.asRecorded(each)); // a person must approve it first
    const made = this.reissue(issued, opened.data.agent.class);
    if ('why' in made) return this.notIssued(issued, opened.data.agent.class, made.kind, made.why);
    this.fold(opened);
    this.issue(issued, made);
  }

  /** Handles a person's answer. Leases that depend on it are issued if they still can be. */
  private answer(given: Of<'ApprovalGiven'>, events: readonly Event[]): void {
    if (!this.asRecorded(given)) return;
    const first = this.unasked.get(given.data.approvalId);
    if (first && given.data.verdict === 'deny') this.settleAsReserved(given, first.actionId);
    const issued = events.find((each): each is Of<'GrantIssued'> => each.type === 'GrantIssued');
    const run = issued && this.state.runs.get(issued.runId as string);
    if (!issued || !run) return;
    const made = this.reissue(issued, run.agent.class);
    if ('why' in made) return this.notIssued(issued, run.agent.class, made.kind, made.why);
    this.issue(issued, made);
    for (const each of events)
      if (each.type === 'GrantSuperseded') this.fold({ ...each, grantId: this.currentLease(each.grantId as string) });
  }

  /** Decides how a grant would be issued here, or why it would not. */
  private reissue(issued: Of<'GrantIssued'>, agentClass: string): Made | NotMade {
    const { data } = issued;
    const at = timeOf(issued);
    const supersedes = data.supersedes === undefined ? undefined : this.currentLease(data.supersedes);
    if (supersedes !== undefined) {
      const chain = chainOf(this.state, supersedes);
      const blocked = chain && blockedInChain(this.state, chain, at);
      if (!chain || !this.state.grants.has(supersedes)) return falls('the raised lease would not exist');
      if (blocked) return falls(livenessReason(chain, blocked).message);
    }
    const parentId = data.parentId === undefined ? undefined : this.currentLease(data.parentId);
    const above = parentId === undefined ? [] : chainOf(this.state, parentId);
    if (!above) return falls(this.whyGone(undefined, data.parentId));
    if (parentId !== undefined && supersedes === undefined) {
      const blocked = blockedInChain(this.state, above, at);
      if (blocked) return falls(livenessReason(above, blocked).message);
      const passes = mayPassOn(above, agentClass);
      if (passes.outcome !== 'permit') return { kind: 'issued->refused', why: passes.message };
    }
    if (this.changed.isEmpty) return { limits: data.limits, parentId, supersedes };
    const named = data.parentId === undefined ? undefined : this.recorded.get(data.parentId);
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
    if (limits !== issued.data.limits) this.recorded.set(issued.grantId as string, issued.data.limits);
    const { runId } = issued;
    this.fold({ ...issued, data: { ...issued.data, limits, parentId, supersedes } });
    // a run that was refused before exists again: it was requested again
    if (runId !== undefined) this.gone.delete(runId);
  }

  private notIssued(issued: Of<'GrantIssued'>, agentClass: string, kind: string, why: string): void {
    const { supersedes } = issued.data;
    if (supersedes === undefined) this.gone.set(issued.runId as string, `its lease would not have been issued: ${why}`);
    else {
      this.notRaised.set(issued.grantId as string, this.currentLease(supersedes));
      this.recorded.set(issued.grantId as string, issued.data.limits);
    }
    this.ofGrant(issued, issued.grantId, agentClass, kind, why);
  }

  private refusedDelegation(event: Of<'DelegationRefused'>): void {
    const { agentClass, code, asked } = event.data;
    const at = timeOf(event);
    const chain = chainOf(this.state, this.currentLease(event.grantId as string));
    const parent = chain?.[0];
    if (!chain || !parent) return;
    const live = !blockedInChain(this.state, chain, at);
    const changed = this.recorded.has(parent.id) || code === 'DELEGATION_NOT_ALLOWED';
    if (live && changed && mayPassOn(chain, agentClass).outcome === 'permit') {
      if (asked === undefined) this.tally.undecidable += 1;
      else if (resolveChild(asked, parent.limits, at).ok) {
        const why = 'the child is no wider than its parent; its actions are unknown';
        return this.ofGrant(event, undefined, agentClass, 'refused->issued', why);
      }
    }
    this.asRecorded(event);
  }

  /** Applies the change to earlier grants too. A grant that cannot be narrowed stays as it is, below narrowed ones. */
  private changeIssued(): void {
    for (const grant of this.state.order) {
      const run = this.state.runs.get(grant.runId) as RunNode;
      const parent = grant.parentId === undefined ? undefined : chainOf(this.state, grant.parentId)?.[0];
      const { id: grantId, treeId, issuedAt } = grant;
      const reissued: Reissued = {
        grantId,
        treeId,
        agentClass: run.agent.class,
        limits: grant.limits,
        issuedAt,
        parent: parent && { recorded: this.recorded.get(parent.id) ?? parent.limits, limits: parent.limits },
      };
      if (this.changed.withholds(reissued)) {
        this.state.grants.delete(grantId);
        this.gone.set(run.id, 'the change withholds its lease');
        continue;
      }
      const limits = this.changed.of(reissued);
      if (!limits.ok || limits.value === grant.limits) continue;
      this.recorded.set(grantId, grant.limits);
      Object.assign(grant, {
        limits: limits.value,
        notBefore: parseTime(limits.value.time.notBefore),
        expiresAt: parseTime(limits.value.time.expiresAt),
        usage: carryUsage(grant.usage, grant.limits.budget, limits.value.budget),
      });
    }
  }

  // ---- the rest -------------------------------------------------------------------------------------------------

  /** Folds an event unchanged if its target exists, and reports whether it does. */
  private asRecorded(event: Event): boolean {
    const grantId = event.grantId === undefined ? undefined : this.currentLease(event.grantId);
    const grant = grantId === undefined ? undefined : this.state.grants.get(grantId);
    if (!targetExists(this.state, event, grant)) return false;
    if (event.type === 'ApprovalExpired') {
      const first = this.unasked.get(event.data.approvalId);
      if (first) this.settleAsReserved(event, first.actionId);
    }
    this.fold({ ...event, grantId });
    return true;
  }

  /** Returns the current lease that corresponds to a recorded one. */
  private currentLease(grantId: string): string {
    return this.notRaised.get(grantId) ?? grantId;
  }

  private whyGone(runId: string | undefined, parentId?: string): string {
    const known = runId === undefined ? undefined : this.gone.get(runId);
    if (known !== undefined) return known;
    return parentId === undefined
      ? 'its lease, or one above it, would not exist'
      : `its parent ${parentId}, or a lease above it, would not exist`;
  }

  private fold(event: Event): void {
    this.state.next = event.position; // omitted events leave gaps
    evolveUnasked(this.state, event);
  }

  /** Folds the events that follow here from a recorded one. */
  private foldAll(like: Event, fresh: readonly NewEvent[]): void {
    const { log, position, id, time, tenant, actor, commandId } = like;
    for (const { payload: _, ...event } of fresh)
      this.fold({ log, position, id, time, tenant, actor, commandId, ...event });
  }

  private differs(event: Decision, fate: Fate, reasons: Reason[], why?: string): void {
    const { position, time, treeId, runId, grantId, actionId, data } = event;
    const before = DECIDED[event.type] as Fate;
    this.tally.add({
      about: 'action',
      position,
      time,
      treeId,
      runId,
      grantId,
      actionId: actionId as string,
      verb: data.verb,
      agentClass: data.agentClass,
      kind: `${before}->${fate}`,
      before: { decision: before, reasons: data.reasons },
      after: { decision: fate, reasons },
      ...(why === undefined ? {} : { why }),
    });
  }

  private ofGrant(
    { position, time, treeId, runId }: Event,
    grantId: string | undefined,
    agentClass: string,
    kind: string,
    why: string,
  ): void {
    this.tally.add({ about: 'grant', position, time, treeId, runId, grantId, agentClass, kind, why });
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
