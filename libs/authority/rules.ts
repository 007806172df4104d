import type { StoredSelector } from '#contracts/event';
import { parseTime } from '#kernel/clock';
import { strikes, type Rule, type Subject } from './rule-set';
import type { GrantNode, LogState, RunNode } from './state';

export function subjectOf(run: RunNode, grant: Pick<GrantNode, 'treeId' | 'limits'>): Subject {
  return {
    agentClass: run.agent.class,
    agentInstance: run.agent.instance,
    modelVersion: run.agent.posture?.modelVersion,
    principalRef: run.principalRef,
    purposeRef: run.purposeRef,
    treeId: grant.treeId,
    limits: grant.limits,
  };
}

/** The revocation that struck this grant itself, if any. Remembered with the epoch: a strike is for ever. */
export function struckBy(state: LogState, grant: GrantNode): string | undefined {
  if (grant.struckBy !== undefined || grant.checkedEpoch === state.rules.epoch) return grant.struckBy;
  const run = state.runs.get(grant.runId);
  if (run) {
    const rule = state.rules.match(subjectOf(run, grant), grant.checkedEpoch, (each) => strikes(each, grant));
    grant.struckBy = rule?.revocationId;
  }
  grant.checkedEpoch = state.rules.epoch;
  return grant.struckBy;
}

/** A quarantine that refuses a new grant for this subject, if any. */
export function quarantinedBy(state: LogState, subject: Subject): Rule | undefined {
  return state.rules.match(subject, 0, (rule) => rule.quarantine);
}

export function ruleOf(
  data: { revocationId: string; selector: StoredSelector; quarantine: boolean },
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
    quarantine: data.quarantine,
  };
}
