import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { Agent } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { parseTime } from '@bailiwick/core/clock';
import { appliesAt, deniesTool, isOlder, strikes, suspendsAt, type Rule } from './rule-set';
import { selects, withoutVerb, type Subject } from './selects';
import type { ApprovalNode, GrantNode, LogState, RunNode } from '../state/state';

/** Returns the subject of a lease of a run. Written out, since a preview creates one for each lease. */
export const subjectOf = (run: RunNode, { treeId, limits }: Pick<GrantNode, 'treeId' | 'limits'>): Subject => ({
  agentClass: run.agent.class,
  agentInstance: run.agent.instance,
  modelVersion: run.agent.posture?.modelVersion,
  environment: run.agent.posture?.environment,
  imageDigest: run.agent.posture?.imageDigest,
  principalRef: run.principalRef,
  purposeRef: run.purposeRef,
  approver: run.approvedBy,
  treeId,
  startedAt: run.startedAt,
  limits,
});

/** Returns the subject of a lease of an agent whose run may not exist yet. */
export const subjectAsked = (
  { class: agentClass, instance, posture }: Agent,
  rest: Pick<Subject, 'principalRef' | 'purposeRef' | 'treeId' | 'limits' | 'startedAt' | 'approver'>,
): Subject => ({
  agentClass,
  agentInstance: instance,
  modelVersion: posture?.modelVersion,
  environment: posture?.environment,
  imageDigest: posture?.imageDigest,
  ...rest,
});

/** Returns the revocation that struck this grant itself, if any. A strike is final, so it is cached with the epoch. */
export function struckBy(state: LogState, grant: GrantNode): string | undefined {
  if (grant.struckBy !== undefined || grant.checkedEpoch === state.rules.epoch) return grant.struckBy;
  const run = state.runs.get(grant.runId);
  if (run) {
    const rule = state.rules.match(subjectOf(run, grant), grant.checkedEpoch, (each) => strikes(each, run));
    grant.struckBy = rule?.revocationId;
  }
  grant.checkedEpoch = state.rules.epoch;
  return grant.struckBy;
}

/** Reports whether a suspension is about this grant itself, at whatever time it applies. */
export function isHeldBy(state: LogState, rule: Rule, grant: GrantNode): boolean {
  const run = state.runs.get(grant.runId);
  const selected = run !== undefined && rule.target !== 'tool' && isOlder(rule, run);
  return selected && selects(rule.selector, subjectOf(run, grant));
}

/**
 * Returns the suspension that applies to this grant itself at a time, if any. It is asked for at each decision and never
 * cached, since it may end without an event.
 */
export function heldByRule(state: LogState, grant: GrantNode, now: number): Rule | undefined {
  if (state.rules.holding === 0) return undefined;
  const run = state.runs.get(grant.runId);
  return run && state.rules.holds(subjectOf(run, grant), (each) => suspendsAt(each, run, now));
}

/**
 * Returns the refusal of a new grant for this subject if it is quarantined. A tool's quarantine denies the tool, not the
 * grant.
 */
export function quarantineRefusal(state: LogState, subject: Subject, now: number): Refusal | undefined {
  const refuses = (each: Rule): boolean => each.quarantine && each.target !== 'tool' && appliesAt(each, now);
  const rule = state.rules.match(subject, 0, refuses) ?? state.rules.holds(subject, refuses);
  return (
    rule && {
      code: 'QUARANTINED',
      detail: `new grants like this one are quarantined by ${rule.revocationId} until it is lifted`,
    }
  );
}

/**
 * Returns the revocation that strikes a lease with these limits before it is issued: its run is older than the rule.
 */
export function strikesAsked(state: LogState, run: RunNode, limits: ApprovalNode['limits']): Rule | undefined {
  if (!limits) return undefined;
  return strikesSubject(state, run, subjectOf(run, { treeId: run.treeId, limits }));
}

/** Returns the revocation that strikes a lease of this run that is about to be issued. */
export const strikesSubject = (state: LogState, run: RunNode, subject: Subject): Rule | undefined =>
  state.rules.match(subject, 0, (rule) => strikes(rule, run));

/** The names of a call, for the rules that name a tool or verbs. */
export interface Named {
  readonly verb: string;
  readonly tool: string | undefined;
}

/**
 * Returns the revocation that denies a verb or a tool under a chain at a time. Both names are looked up, since a rule may
 * use either.
 * @param counts leaves rules out
 */
export function toolDeniedBy(
  state: LogState,
  chain: readonly GrantNode[],
  { verb, tool }: Named,
  now: number,
  counts: (rule: Rule) => boolean = () => true,
): { rule: Rule; grant: GrantNode } | undefined {
  const deniedBy = (rules: readonly Rule[]): { rule: Rule; grant: GrantNode } | undefined => {
    for (const rule of rules) {
      const grant = counts(rule) ? chain.find((each) => deniesToolTo(state, rule, each, now)) : undefined;
      if (grant) return { rule, grant };
    }
    return undefined;
  };
  const { rules } = state;
  return (
    (tool === undefined ? undefined : deniedBy(rules.forTool(tool))) ??
    deniedBy(rules.forTool(verb)) ??
    deniedBy(rules.forVerb(verb))
  );
}

function deniesToolTo(state: LogState, rule: Rule, grant: GrantNode, now: number): boolean {
  const run = state.runs.get(grant.runId);
  return run !== undefined && deniesTool(rule, run, now) && selects(withoutVerb(rule.selector), subjectOf(run, grant));
}

export function ruleOf(
  data: {
    revocationId: string;
    selector: StoredSelector;
    quarantine: boolean;
    target?: RevocationTarget | undefined;
    mode?: 'suspend' | undefined;
    until?: string | undefined;
  },
  position: number,
  time: number,
): Rule {
  const { issuedBefore } = data.selector;
  return {
    revocationId: data.revocationId,
    selector: data.selector,
    position,
    time,
    issuedBefore: issuedBefore === undefined ? undefined : parseTime(issuedBefore),
    target: data.target === 'tool' ? 'tool' : undefined,
    suspends: data.mode === 'suspend' ? true : undefined,
    until: data.until === undefined ? undefined : parseTime(data.until),
    quarantine: data.quarantine,
    lifted: undefined,
    resumed: undefined,
  };
}
