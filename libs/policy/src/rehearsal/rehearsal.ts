import { decide } from '@bailiwick/authority/commands/decide';
import { sealAll } from '@bailiwick/authority/commands/seal';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Rules } from '@bailiwick/authority/commands/types';
import { evolve } from '@bailiwick/authority/events/evolve';
import type { Conditions } from '@bailiwick/authority/conditions/port';
import type { Agents } from '@bailiwick/authority/manifests/agents';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { CompiledRules } from '@bailiwick/authority/sequences/compile';
import { emptyState } from '@bailiwick/authority/state/state';
import type { JudgeTrajectory } from '@bailiwick/contracts/actions/trajectory';
import type { Command, CommandOf, CommandType, DerivedCall } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Agent, GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { Obligation } from '@bailiwick/contracts/obligations/obligation';
import type { PolicyCall } from '@bailiwick/contracts/policy/policy-test';
import type { DecisionOutcome, Reason, Refusal } from '@bailiwick/contracts/reason';
import { canonicalDigest } from '@bailiwick/core/digest';
import { err, ok, type Result } from '@bailiwick/core/result';
import { judgeConditions } from '../conditions/judge-conditions';

const REF = `ref_${'0'.repeat(26)}`;
const SECOND = 1_000;
/** Every rehearsal starts at the same time unless its test states one, so that its result depends on the bundle alone. */
const START = Date.UTC(2026, 0, 1);

type Fields<T extends CommandType> = Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'actor'> &
  Partial<Pick<CommandOf<T>, 'actor'>>;

/** A decision on a call. */
export interface Rehearsed {
  readonly decision: DecisionOutcome;
  readonly reasons: readonly Reason[];
  /** of a permit */
  readonly obligations: readonly Obligation[];
  readonly actionId: string;
}

type Decision = EventOf<'ActionPermitted'> | EventOf<'ActionDenied'> | EventOf<'ActionStepUp'>;
const DECISIONS: Readonly<Partial<Record<Event['type'], DecisionOutcome>>> = {
  ActionPermitted: 'permit',
  ActionStepUp: 'step-up',
  ActionDenied: 'deny',
};

/** The members of a bundle that decide. */
export interface RehearsedBundle {
  readonly catalog: Catalog;
  readonly agents?: Agents | undefined;
  /** left out: those of the release */
  readonly rules?: CompiledRules | undefined;
  readonly conditions?: Conditions | undefined;
}

/** A log in memory on which calls are decided by the same rules as in operation. Each command takes one second. */
export class Rehearsal {
  private readonly state = emptyState('policy/0', 'policy', 0);
  private readonly rules: Rules;
  private commands = 0;
  private lease: { readonly runId: string; readonly grantId: string } | undefined;

  /** @param start ms */
  constructor(
    { catalog, agents, rules, conditions }: RehearsedBundle,
    judge: JudgeTrajectory,
    private readonly start = START,
  ) {
    if (rules) this.state.policies.ofRelease = rules;
    this.rules = { judge, catalog, agents, conditions, judgeConditions, defaults: tenantDefaults };
  }

  /** Issues the lease under which the calls are made; a person approves it if the rules ask for one. */
  open(agent: Agent, grant: GrantRequest): Result<undefined, Refusal> {
    const opened = this.submit('openRun', { agent, principalRef: REF, purposeRef: REF, grant });
    if (!opened.ok) return opened;
    const refused = opened.value.find((event) => event.type === 'Refused');
    if (refused) return err(refused.data);
    const requested = opened.value.find((event) => event.type === 'ApprovalRequested');
    const approved = requested ? this.approve(requested.data.approvalId) : opened;
    if (!approved.ok) return approved;
    const issued = approved.value.find((event) => event.type === 'GrantIssued');
    if (!issued) return err({ code: 'BAD_REQUEST', detail: 'the lease was not issued' });
    this.lease = { runId: issued.runId as string, grantId: issued.grantId as string };
    return ok(undefined);
  }

  /** Decides a call. */
  ask(
    call: PolicyCall,
    resource: CommandOf<'authorize'>['resource'],
    derived?: DerivedCall,
  ): Result<Rehearsed, Refusal> {
    if (!this.lease) return err({ code: 'BAD_REQUEST', detail: 'there is no lease' });
    const { verb, tool, effect, risk, args = {}, cost, units, labels, drift, by } = call;
    const asked = this.submit('authorize', {
      grantId: this.lease.grantId,
      action: { verb, tool, effect, risk, argsDigest: canonicalDigest(args) },
      resource,
      cost,
      units,
      labels,
      ...(derived ? { derived } : {}),
      proof: by === 'run' ? { vouched: false } : { vouched: true },
      ...(drift === undefined ? {} : { drift: { score: drift, features: [] } }),
      ...(by === 'run' ? { actor: { kind: 'run', id: this.lease.runId } } : {}),
    });
    if (!asked.ok) return asked;
    const decided = asked.value.find((event): event is Decision => Object.hasOwn(DECISIONS, event.type));
    if (!decided) return err({ code: 'BAD_REQUEST', detail: 'the call was not decided' });
    return ok({
      decision: DECISIONS[decided.type] as DecisionOutcome,
      reasons: 'reasons' in decided.data ? decided.data.reasons : [],
      obligations: decided.data.obligations ?? [],
      actionId: decided.actionId as string,
    });
  }

  /** Reports the outcome of a permit. */
  settle(actionId: string, status: 'completed' | 'failed', labels: string[] | undefined): Result<Event[], Refusal> {
    return this.submit('settle', { actionId, outcome: { status, labels } });
  }

  private approve(approvalId: string): Result<Event[], Refusal> {
    return this.submit('decideApproval', {
      approvalId,
      verdict: 'approve',
      actor: { kind: 'person', id: 'person:tester' },
    });
  }

  private submit<T extends CommandType>(type: T, fields: Fields<T>): Result<Event[], Refusal> {
    this.commands += 1;
    const now = this.start + this.commands * SECOND;
    const command = {
      log: this.state.log,
      commandId: `cmd_${String(this.commands).padStart(8, '0')}`,
      actor: { kind: 'service', id: 'key:policy-test' },
      type,
      ...fields,
    } as unknown as Command;
    const decided = decide(this.state, command, now, this.rules);
    if (!decided.ok) return decided;
    const sealed = sealAll(this.state, command, now, decided.value);
    if (!sealed.ok) return sealed;
    const events = sealed.value.map(({ event }) => event);
    for (const event of events) evolve(this.state, event);
    return ok(events);
  }
}
