import { conditionsOf, type Conditions } from '@bailiwick/authority/conditions/port';
import { conditionEntry, type ConditionEntry } from '@bailiwick/contracts/policy/condition';
import { LIMITS } from '@bailiwick/core/limits';
import { readPolicies } from '../conditions/read-policies';
import type { Section } from './section';

/** Cedar policies that forbid calls; undefined if the bundle has none. */
export const conditionsSection: Section<ConditionEntry, Conditions | undefined> = {
  schema: conditionEntry,
  most: LIMITS.policy.conditions,
  compile(entries, report) {
    const seen = new Map<string, number>();
    for (const [i, { cedar }] of entries.entries()) {
      const { policies, faults } = readPolicies(cedar);
      for (const { message, within } of faults) report(i, ['cedar'], message, { within });
      for (const { id, start } of policies) {
        const other = seen.get(id);
        if (other !== undefined)
          report(i, ['cedar'], `@id("${id}") is also that of another policy`, { other, within: start });
        else seen.set(id, i);
        if (seen.size === LIMITS.policy.conditionPolicies + 1 && other === undefined)
          report(i, ['cedar'], `more than ${LIMITS.policy.conditionPolicies} policies in conditions`, {
            within: start,
          });
      }
    }
    return conditionsOf(entries);
  },
};
