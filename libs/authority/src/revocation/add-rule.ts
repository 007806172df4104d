import type { LogState } from '../state/state';
import type { Rule } from './rule-set';

/** Adds a rule to a state, and the deadline of a suspension that ends at a time. */
export function addRule(state: LogState, rule: Rule): void {
  state.rules.add(rule);
  const { suspends, until, resumed, revocationId } = rule;
  if (suspends && until !== undefined && !resumed)
    state.deadlines.add({ at: until, kind: 'suspension', id: revocationId });
}
