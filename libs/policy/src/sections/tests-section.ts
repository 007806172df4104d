import { normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import { policyTest, type PolicyTest } from '@bailiwick/contracts/policy/policy-test';
import { LIMITS } from '@bailiwick/core/limits';
import type { Section } from './section';

/** What the bundle must decide. */
export const testsSection: Section<PolicyTest, readonly PolicyTest[]> = {
  schema: policyTest,
  most: LIMITS.policy.tests,
  compile(tests, report) {
    const names = new Map<string, number>();
    for (const [i, { name, call, history = [], expect }] of tests.entries()) {
      const other = names.get(name);
      if (other !== undefined) report(i, ['name'], 'another test has this name', { other });
      names.set(name, i);
      if (expect.decision === 'permit' && expect.codes !== undefined)
        report(i, ['expect', 'codes'], 'a permit has no reasons; leave codes out');
      if (expect.decision !== 'permit' && expect.obligations !== undefined)
        report(i, ['expect', 'obligations'], 'only a permit has obligations; leave them out');
      const verbs = [call, ...history].map(({ verb }) => normalizeVerb(verb));
      for (const [at, verb] of verbs.entries())
        if (!verb.ok) report(i, at === 0 ? ['call', 'verb'] : ['history', at - 1, 'verb'], verb.error);
    }
    return tests;
  },
};
