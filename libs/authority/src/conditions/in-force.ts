import type { Reason } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import type { Rules } from '../commands/types';
import { clip } from '../presentation/text';
import type { LogState } from '../state/state';
import type { ConditionCall, ConditionObjection, Conditions } from './port';

/** Returns the conditions in force; undefined if the policy has none. */
const conditionsInForce = ({ policies }: LogState, rules: Rules): Conditions | undefined =>
  policies.current ? policies.current.conditions : rules.conditions;

/**
 * Returns the objections of the conditions in force to a call. They can only take away; what cannot be evaluated forbids
 * (I11).
 */
export function conditionReasons(
  state: LogState,
  runId: string,
  { facts, labels, charge }: Omit<ConditionCall, 'run'>,
  rules: Rules,
): Reason[] {
  const conditions = conditionsInForce(state, rules);
  if (conditions === undefined) return [];
  const run = state.runs.get(runId);
  if (!run || !rules.judgeConditions) return [reasonOf({ id: undefined, fault: 'this process cannot evaluate them' })];
  return rules.judgeConditions(conditions, { run, facts, labels, charge }).map(reasonOf);
}

function reasonOf({ id, says, fault }: ConditionObjection): Reason {
  const about = id === undefined ? {} : { path: `conditions.${clip(id)}`, actual: clip(id) };
  const name = id === undefined ? 'the conditions of the policy' : `the condition ${clip(id)}`;
  if (fault !== undefined)
    return {
      rule: 'condition',
      outcome: 'deny',
      code: 'CONDITION_UNDECIDED',
      message: clip(`${name} cannot be decided for this call, and so forbids it: ${fault}`, LIMITS.reasonLength),
      ...about,
    };
  const message = says === undefined ? `forbidden by ${name}` : `${says} (${name})`;
  return {
    rule: 'condition',
    outcome: 'deny',
    code: 'CONDITION_FORBIDS',
    message: clip(message, LIMITS.reasonLength),
    ...about,
  };
}
