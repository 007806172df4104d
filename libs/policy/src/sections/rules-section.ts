import { compileRules, type CompiledRules } from '@bailiwick/authority/sequences/compile';
import { firesOn } from '@bailiwick/authority/sequences/examples';
import { policyRule, type PolicyRule } from '@bailiwick/contracts/policy/rule';
import { LIMITS } from '@bailiwick/core/limits';
import type { Section } from './section';

/** Which sequences of actions of a tree are noted, asked about or denied. */
export const rulesSection: Section<PolicyRule, CompiledRules | undefined> = {
  schema: policyRule,
  most: LIMITS.policy.rules,
  compile(entries, report) {
    const compiled = compileRules(entries);
    if (!compiled.ok)
      for (const { entry, path, message, other } of compiled.error) report(entry, path, message, { other });
    for (const [i, rule] of entries.entries()) {
      const alone = compileRules([rule]);
      if (!alone.ok) continue; // its faults are reported above
      for (const kind of ['fires', 'silent'] as const)
        for (const [n, example] of rule.examples[kind].entries())
          if (firesOn(alone.value, example) !== (kind === 'fires'))
            report(
              i,
              ['examples', kind, n],
              kind === 'fires'
                ? `the rule ${rule.name} should object to the last step, and does not`
                : `the rule ${rule.name} should not object to the last step, and does`,
            );
    }
    return compiled.ok ? compiled.value : undefined;
  },
};
