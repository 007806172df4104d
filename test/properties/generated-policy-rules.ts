import type { Formula, PolicyRule, StepMatcher } from '@bailiwick/contracts/policy/rule';

const rule = (name: string, on: StepMatcher, when: Formula, outcome: PolicyRule['outcome']): PolicyRule => ({
  name,
  on,
  when,
  outcome,
  says: `${name} objects`,
  examples: { fires: [[{}]], silent: [[{}]] },
});

const ANY: StepMatcher = { effects: ['read', 'write', 'exec', 'external'] };

/** Rules with each outcome and operator, which few steps meet. */
export const RULES: readonly PolicyRule[] = [
  rule('noted', ANY, { not: { formerly: { kind: 'denied', within: 3 } } }, 'note'),
  rule('asked', ANY, { count_within: { kind: 'denied', at_least: 2, within: '10m' } }, 'ask'),
  rule('same-asked', ANY, { count_within: { ...ANY, at_least: 3, within: '1h', same: ['resource'] } }, 'ask'),
  rule('denied', ANY, { sum_within: { ...ANY, of: 'cost.USD', at_least: 60, within: '30m' } }, 'deny'),
  rule(
    'suspended',
    ANY,
    {
      all: [
        { count_distinct_within: { ...ANY, of: 'verbs', at_least: 2, within: '1h' } },
        { never: { kind: 'delegated' } },
      ],
    },
    'suspend',
  ),
  rule('since-refused', ANY, { since: { step: { kind: 'person-refused' }, no: { kind: 'delegated' } } }, 'suspend'),
];
