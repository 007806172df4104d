import type { RevocationTarget } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { Agent } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { parseTime } from '@bailiwick/core/clock';
import { deniesTool, strikes, type Rule } from './rule-set';
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

/**
 * Returns the refusal of a new grant for this subject if it is quarantined. A tool's quarantine denies the tool, not the
 * grant.
 */
export function quarantineRefusal(state: LogState, subject: Subject): Refusal | undefined {
  const rule = state.rules.match(subject, 0, ({ quarantine, target }) => quarantine && target !== 'tool');
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
 * Returns the revocation that denies a verb or a tool under a chain. Both names are looked up, since a rule may use
 * either.
 */
export function toolDeniedBy(
  state: LogState,
  chain: readonly GrantNode[],
  { verb, tool }: Named,
): { rule: Rule; grant: GrantNode } | undefined {
  for (const name of tool === undefined ? [verb] : [tool, verb]) {
    for (const rule of state.rules.forTool(name)) {
      const grant = chain.find((each) => deniesToolTo(state, rule, each));
      if (grant) return { rule, grant };
    }
  }
  for (const rule of state.rules.forVerb(verb)) {
    const grant = chain.find((each) => deniesToolTo(state, rule, each));
    if (grant) return { rule, grant };
  }
  return undefined;
}

function deniesToolTo(state: LogState, rule: Rule, grant: GrantNode): boolean {
  const run = state.runs.get(grant.runId);
  return run !== undefined && deniesTool(rule, run) && selects(withoutVerb(rule.selector), subjectOf(run, grant));
}

export function ruleOf(
  data: {
    revocationId: string;
    selector: StoredSelector;
    quarantine: boolean;
    target?: RevocationTarget | undefined;
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
    quarantine: data.quarantine,
    lifted: undefined,
  };
}
