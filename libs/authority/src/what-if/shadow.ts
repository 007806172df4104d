import type { Event } from '@bailiwick/contracts/events/event';
import type { Change } from '@bailiwick/contracts/replay/replay';
import { suspensionByDrift } from '../commands/grants/grant';
import type { Rules } from '../commands/types';
import { isOpen } from '../events/endings';
import { blockedByOwn } from '../state/liveness';
import type { LogState } from '../state/state';
import { isDecision, isOutcome, timeOf, type Of } from './recorded';
import { ShadowActions } from './shadow-actions';
import { ShadowGrants } from './shadow-grants';
import { ShadowLeases } from './shadow-leases';
import { ShadowLog } from './shadow-log';
import type { Tally } from './tally';
import type { UnderCandidate } from './under-candidate';

/**
 * The state that a log would have under a change, next to the recorded one. It takes the events of one command after
 * the other: the rules decide again, on this state; actions of people and the passing of time are kept as recorded, as
 * far as their target still exists. Without a change it equals the recorded state, and nothing differs.
 *
 * Positions, times and ids are the recorded ones: the state has gaps where events fell away. Pure except for `state`,
 * of which it is the only writer.
 */
export class Shadow {
  private readonly log: ShadowLog;
  private readonly actions: ShadowActions;
  private readonly grants: ShadowGrants;
  private readonly leases: ShadowLeases;

  /**
   * @param state as recorded up to the start of the change
   * @param rules with the trajectory judged as under the change
   * @param under the policy by which the calls are decided; left out: those in force when they were decided
   */
  constructor(
    state: LogState,
    change: Change,
    rules: Rules,
    tally: Tally,
    private readonly under?: UnderCandidate,
  ) {
    if (under) state.policies.current = under.candidate;
    this.log = new ShadowLog(state, tally);
    this.actions = new ShadowActions(this.log, rules, under);
    this.grants = new ShadowGrants(this.log, change);
    this.leases = new ShadowLeases(this.log);
  }

  get state(): LogState {
    return this.log.state;
  }

  /** @param events all events of one command, in order */
  take(events: readonly Event[]): void {
    for (const event of events) {
      if (isDecision(event)) return this.actions.decision(event, events);
      if (isOutcome(event)) return this.actions.outcome(event);
      switch (event.type) {
        case 'DriftScored':
          return this.drift(event, events);
        case 'RunOpened':
          return this.opening(event, events);
        case 'DelegationRefused':
          return this.grants.refusedDelegation(event);
        case 'ApprovalGiven':
          return this.answer(event, events);
      }
    }
    for (const event of events) this.asRecorded(event);
  }

  /** Keeps the recorded score; the thresholds of the grant decide its effect. */
  private drift(event: Of<'DriftScored'>, events: readonly Event[]): void {
    const run = this.log.state.runs.get(event.runId as string);
    if (!run) return;
    this.log.fold(event);
    const grant = run.grantId === undefined ? undefined : this.log.state.grants.get(run.grantId);
    const before = events.some((each) => each.type === 'GrantSuspended');
    const at = timeOf(event);
    const { suspendAt } = grant?.limits.purpose.onDrift ?? { suspendAt: 1 };
    const after = grant !== undefined && event.data.score >= suspendAt && !blockedByOwn(this.log.state, grant, at);
    if (after) this.log.foldAll(event, [suspensionByDrift(grant, event.data.score, suspendAt)]);
    if (before === after || !grant) return;
    const why = after
      ? `drift ${event.data.score.toFixed(2)} reaches ${suspendAt}`
      : isOpen(grant.status) && event.data.score < suspendAt
        ? `drift ${event.data.score.toFixed(2)} does not reach ${suspendAt}`
        : `it is ${grant.status} already`;
    this.log.ofGrant(event, grant.id, run.agent.class, after ? 'on->suspended' : 'suspended->on', why);
  }

  private opening(opened: Of<'RunOpened'>, events: readonly Event[]): void {
    const issued = issuedIn(events);
    if (issued) return this.grants.open(opened, issued);
    for (const each of events) this.asRecorded(each); // a person must approve it first
  }

  /** Handles a person's answer. Leases that depend on it are issued if they still can be. */
  private answer(given: Of<'ApprovalGiven'>, events: readonly Event[]): void {
    if (!this.log.asRecorded(given)) return;
    this.actions.answer(given);
    const issued = issuedIn(events);
    const run = issued && this.log.state.runs.get(issued.runId as string);
    if (!issued || !run || !this.grants.raise(issued, run.agent.class)) return;
    for (const each of events) if (each.type === 'GrantSuperseded') this.log.fold(this.log.here(each));
  }

  private asRecorded(event: Event): void {
    if (event.type === 'ApprovalExpired') this.actions.expire(event);
    else if (event.type === 'GrantRenewed') this.leases.renew(event);
    else if (event.type === 'GrantNarrowed') this.leases.narrow(event);
    else if (this.under && POLICY.has(event.type)) return;
    else this.log.asRecorded(event);
  }
}

const issuedIn = (events: readonly Event[]): Of<'GrantIssued'> | undefined =>
  events.find((each): each is Of<'GrantIssued'> => each.type === 'GrantIssued');

/** Events of policies, which a candidate replaces. */
const POLICY: ReadonlySet<Event['type']> = new Set(['PolicyPart', 'PolicyDeployed', 'PolicyShadowed'] as const);
