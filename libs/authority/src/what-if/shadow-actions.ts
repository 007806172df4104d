import type { Event } from '@bailiwick/contracts/events/event';
import type { Obligation } from '@bailiwick/contracts/obligations/obligation';
import type { Fate } from '@bailiwick/contracts/replay/replay';
import type { Reason } from '@bailiwick/contracts/reason';
import { withPerson } from '../commands/actions/answered-call';
import { drawingFrom, suspendedByRule, timesOf, treeOfAction } from '../commands/actions/authorize-action';
import { brokeredCall, type BrokeredCall } from '../commands/actions/brokered';
import { endedByCompletion } from '../commands/actions/ends-lease';
import { exhaustedBy } from '../commands/actions/exhaust';
import { judge, strictest, type Judgement } from '../commands/actions/judge';
import { objectionsIn } from '../commands/actions/objections';
import { callAsked } from '../commands/actions/refused-before';
import { settlement } from '../commands/actions/settle-action';
import type { Rules } from '../commands/types';
import type { ActionFacts } from '../dimensions/dimension';
import { combined } from '../obligations/combine';
import { obligationsChanged } from '../obligations/changed';
import { accountsOf, pursesFor } from '../state/purses';
import { periodsFor } from '../state/periods';
import { chainOf, type GrantNode, type RunNode } from '../state/state';
import { askedOf, DECIDED, timeOf, type Decision, type Of, type Outcome } from './recorded';
import type { ShadowLog } from './shadow-log';
import type { UnderCandidate } from './under-candidate';

/** Rules of reasons that depend on the policy in force alone. */
const OF_POLICY: ReadonlySet<string> = new Set(['manifest', 'obligations', 'condition']);

/** Decides the recorded actions again, and settles those that are permitted here. */
export class ShadowActions {
  /** approval → the call that was permitted here without it */
  private readonly unasked = new Map<string, { actionId: string; position: number }>();
  /** such a call once it was approved, as recorded → the call permitted here */
  private readonly sameCall = new Map<string, string>();

  constructor(
    private readonly log: ShadowLog,
    private readonly rules: Rules,
    private readonly under?: UnderCandidate,
  ) {}

  /** @param recorded the decision, among all events of its command */
  decision(recorded: Decision, events: readonly Event[]): void {
    this.log.tally.again();
    const event = this.under?.decision(recorded, this.log) ?? recorded;
    // a request for approval stays, and so does its answer: it is valid for exactly this call (I8)
    for (const each of events)
      if (each.type === 'ApprovalExpired') this.expire(each);
      else if (each.type === 'ApprovalRequested') this.log.asRecorded(each);
    const before = DECIDED[event.type] as Fate;
    const { approvalId } = event.data;
    const first = approvalId === undefined ? undefined : this.unasked.get(approvalId);
    if (first) {
      if (before === 'permit') this.sameCall.set(event.actionId as string, first.actionId);
      return this.differs(event, 'falls-away', [], `this call was already permitted at position ${first.position}`);
    }
    const chain = chainOf(this.log.state, this.log.currentLease(event.grantId as string));
    const leaf = chain?.[0];
    const run = leaf && this.log.state.runs.get(leaf.runId);
    if (!chain || !run) return this.differs(event, 'falls-away', [], this.log.whyGone(event.runId));
    const above = event.data.parentActionId;
    if (above !== undefined && treeOfAction(this.log.state, this.sameCall.get(above) ?? above) !== run.treeId)
      return this.differs(event, 'falls-away', [], `the call ${above} that it was part of would not have been made`);
    const at = timeOf(event);
    const call = this.callOf(event, run, at);
    if (call === null)
      return this.differs(event, 'falls-away', [], 'the call that the service acted for would not have been made');
    const { fate, reasons, usesApproval, judged, facts } = this.judged(event, run, chain, at, call);
    const { obligations } = judged;
    if (fate !== before) this.differs(event, fate, reasons);
    else if (fate === 'permit') this.compareObligations(event, reasons, obligations);
    if (fate === 'permit') {
      this.permit(event, chain, at, { facts, usesApproval });
      for (const each of events)
        if (each.type === 'ActionCalled' && this.log.state.actions.has(each.actionId ?? ''))
          this.log.fold(this.log.here({ ...each, data: { ...each.data, labels: event.data.labels } }));
      return;
    }
    // no additional person is asked here: the request for approval stays at its recorded position
    this.log.fold({ ...event, type: fate === 'deny' ? 'ActionDenied' : 'ActionStepUp' } as Decision);
    if (fate === 'deny') this.log.foldAll(event, suspendedByRule(this.log.state, leaf, judged, at));
  }

  outcome(event: Outcome): void {
    const own = event.actionId as string;
    const id = this.sameCall.get(own) ?? own;
    const action = this.log.state.actions.get(id);
    // a call that was in flight at the start of the change may have lost its lease
    if (!action || !chainOf(this.log.state, action.grantId)) {
      this.log.tally.outcomesFallenAway += 1;
      return;
    }
    const { type, actor } = event;
    const { cost, units } = event.data;
    const report = { type, cost, units, byRun: actor.kind === 'run' };
    const [settled, ...ended] = settlement(this.log.state, action, report, timeOf(event));
    const { charge, findings } = (settled as Of<'ActionCompleted'>).data;
    // to add a member to a copy takes longer than the rest of it, and nearly no outcome has findings
    const data = { ...event.data, charge };
    if (findings ?? data.findings) data.findings = findings;
    this.log.fold({ ...event, actionId: id, runId: action.runId, data });
    this.log.foldAll(event, ended);
  }

  /** Handles a person's answer: a call that was permitted here without it, and denied by it, has no outcome. */
  answer(given: Of<'ApprovalGiven'>): void {
    const first = this.unasked.get(given.data.approvalId);
    if (first && given.data.verdict === 'deny') this.settleAsReserved(given, first.actionId);
  }

  /** Handles the end of a request for approval: a call that was permitted here without it has no outcome. */
  expire(event: Of<'ApprovalExpired'>): void {
    if (!this.log.hasTarget(event)) return;
    const first = this.unasked.get(event.data.approvalId);
    if (first) this.settleAsReserved(event, first.actionId);
    this.log.fold(this.log.here(event));
  }

  /** Returns the call that a service acted for, as it is here; null if it is unknown here. */
  private callOf({ data }: Decision, service: RunNode, now: number): BrokeredCall | undefined | null {
    if (data.calledBy === undefined) return undefined;
    const own = data.calledBy.actionId;
    const call = brokeredCall(
      this.log.state,
      { onBehalfOf: { actionId: this.sameCall.get(own) ?? own } },
      service,
      now,
    );
    return call.ok ? call.value : null;
  }

  /** A permit that obliges to something else is another decision, though its call is made in both. */
  private compareObligations(event: Decision, reasons: Reason[], now: readonly Obligation[]): void {
    const before = event.data.obligations ?? [];
    const why = obligationsChanged(before, now);
    if (why !== undefined) this.differs(event, 'permit', reasons, why);
  }

  /** Decides like `authorize`, from the recorded facts of the call, whose names were normalized then. */
  private judged(
    event: Decision,
    run: RunNode,
    chain: readonly GrantNode[],
    now: number,
    brokered: BrokeredCall | undefined,
  ): { fate: Fate; reasons: Reason[]; usesApproval: boolean; judged: Judgement; facts: ActionFacts } {
    const { data } = event;
    const { state } = this.log;
    const asked = askedOf(event, run, state.policies.current?.catalog ?? this.rules.catalog);
    const here = judge(state, chain, asked, now, this.rules, brokered);
    const judged = this.withRecordedPolicy(this.withRecordedBudgets(here, event), event);
    // the approval of a step-up is the one that it requests, not one that it used
    const id = event.type === 'ActionStepUp' ? undefined : data.approvalId;
    // an older log neither records the card's objections nor required arguments, so its approvals are accepted as
    // recorded
    const shown = id === undefined || this.log.state.approvals.get(id)?.objections !== undefined;
    const { facts, charge } = asked;
    const call = {
      runId: run.id,
      facts,
      charge,
      binding: data.binding,
      asks: () => callAsked(run.treeId, data.verb, data.resource, data.argsDigest),
      approvalId: id,
      isExact: data.argsDigest !== undefined || event.type === 'ActionStepUp',
    };
    const { outcome, reasons, approved } = withPerson(
      this.log.state,
      shown ? judged : { ...judged, objections: [] },
      call,
      now,
    );
    return { fate: outcome, reasons, usesApproval: approved, judged, facts };
  }

  /**
   * Keeps the recorded objections of tenant budgets if the state knows no budgets: the events of one tree contain neither
   * them nor what other trees drew from them.
   */
  private withRecordedBudgets(judged: Judgement, { data }: Decision): Judgement {
    const recorded = data.reasons.filter(({ rule }) => rule === 'tenant-budget');
    if (recorded.length === 0 || this.log.state.purses.size > 0) return judged;
    const reasons = [...judged.reasons, ...recorded];
    const objections = [...judged.objections, ...objectionsIn(recorded)];
    return { ...judged, outcome: strictest(reasons), reasons, objections };
  }

  /**
   * Keeps the recorded objections of manifests and conditions, and the recorded obligations, if the state knows another
   * policy than the one in force: the events of one tree contain no deployments.
   */
  private withRecordedPolicy(judged: Judgement, { data }: Decision): Judgement {
    if (this.under || (data.policy ?? 0) === this.log.state.policies.version) return judged;
    const recorded = data.reasons.filter(({ rule }) => OF_POLICY.has(rule));
    const reasons = [...judged.reasons.filter(({ rule }) => !OF_POLICY.has(rule)), ...recorded];
    const obligations = combined([...judged.obligations, ...(data.obligations ?? [])]);
    return { ...judged, outcome: strictest(reasons), reasons, objections: objectionsIn(reasons), obligations };
  }

  private permit(
    event: Decision,
    chain: readonly GrantNode[],
    at: number,
    { facts, usesApproval }: { facts: ActionFacts; usesApproval: boolean },
  ): void {
    const { data, actionId, position } = event;
    const ended = exhaustedBy(chain, data.charge);
    const grantId = this.log.currentLease(event.grantId as string);
    const ends = endedByCompletion(chain, facts);
    if (event.type === 'ActionPermitted') {
      const recorded = event.data;
      const periods = periodsFor(chain, at, recorded.periods);
      const isSame = [ends, recorded.ends, periods, recorded.periods].every((each) => each === undefined);
      this.log.fold({ ...event, grantId, data: isSame ? recorded : { ...recorded, ends, periods } });
      return this.log.foldAll(event, ended);
    }
    const times = timesOf(chain, at);
    const purses = pursesFor(this.log.state, chain[0]?.treeId ?? '', data.labels);
    const periods = periodsFor(accountsOf(chain, purses), at);
    const { approvalId, ...call } = data;
    const used = usesApproval ? { approvalId } : {};
    const more = { ...times, ...used, ends, ...(periods ? { periods } : {}), ...drawingFrom(purses) };
    this.log.fold({ ...event, type: 'ActionPermitted', grantId, data: { ...call, ...more } });
    this.log.foldAll(event, ended);
    // a step-up continues with the person's answer; for a call that was denied nothing more is known
    if (event.type === 'ActionStepUp')
      this.unasked.set(event.data.approvalId, { actionId: actionId as string, position });
    else this.settleAsReserved(event, actionId as string);
  }

  /** Settles a call with an unknown outcome: it is assumed to have cost its reservation. */
  private settleAsReserved(like: Event, actionId: string): void {
    const action = this.log.state.actions.get(actionId);
    if (!action) return;
    const { cost, units } = action.charge;
    const report = { type: 'ActionCompleted', cost, units, byRun: false } as const;
    this.log.foldAll(like, settlement(this.log.state, action, report, timeOf(like)));
  }

  private differs(event: Decision, fate: Fate, reasons: Reason[], why?: string): void {
    const { position, time, treeId, runId, grantId, actionId, data } = event;
    const before = DECIDED[event.type] as Fate;
    this.log.tally.add({
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
}
