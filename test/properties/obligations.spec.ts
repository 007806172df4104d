import fc from 'fast-check';
import { obligations as dimension, obligationsFor } from '@bailiwick/authority/dimensions/obligations';
import { combined, containsAll } from '@bailiwick/authority/obligations/combine';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import { deploy } from '@bailiwick/authority/testing/policies';
import type { Obligation, ScopedObligation } from '@bailiwick/contracts/obligations/obligation';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { anyObligation, anyObligations } from './generated-limits';

fc.configureGlobal({ seed: 20260101 });

const list = fc.array(anyObligation, { maxLength: 4 });
const verb = fc.constantFrom('a.b', 'a.c', 'b', 'b.c.a');
const some = (all: readonly Obligation[]): Obligation[] | undefined => (all.length === 0 ? undefined : [...all]);

describe('combined obligations', () => {
  it('contain each of them, are the same in any order, and do not change when they are combined again', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const both = combined([...a, ...b]);
        expect(containsAll(both, [...a, ...b])).toBe(true);
        expect(combined([...b, ...a])).toEqual(both);
        expect(combined(both)).toEqual(both);
      }),
    );
  });
});

describe('I1: the obligations of a child', () => {
  it('contain those of its parent for every verb, whatever attenuation accepts', () => {
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(anyObligations, anyObligations, fc.boolean(), verb, (a, b, met, at) => {
        const child = met ? dimension.meet(a, b) : b;
        if (!dimension.attenuates(child, a).ok) {
          refused += 1;
          return;
        }
        accepted += 1;
        expect(containsAll(combined(obligationsFor(child ?? [], at)), obligationsFor(a ?? [], at))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });
});

/** A bundle whose entries, manifests and rules have obligations. */
const anyBundle: fc.Arbitrary<PolicyBundle> = fc
  .tuple(list, anyObligations, anyObligations, list)
  .map(([entry, root, child, rule]) => ({
    catalog: [{ match: ['a.b'], effects: ['read'], risk: 'low', obligations: some(entry) }],
    agents: [
      { class: '*', owner: 'team' },
      { class: 'worker', owner: 'team', obligations: valid(root) },
      { class: 'helper', owner: 'team', obligations: valid(child) },
    ],
    rules: [
      {
        name: 'reads-again',
        on: { effects: ['read'] },
        when: { formerly: { effects: ['read'] } },
        outcome: 'note',
        says: 'it was read before',
        obligations: some(rule),
        examples: { fires: [[{}, {}]], silent: [[{}]] },
      },
    ],
  }));
const valid = (obligations: ScopedObligation[] | undefined): ScopedObligation[] | undefined =>
  obligations === undefined || obligations.length === 0 ? undefined : obligations;

describe('the obligations of a permit', () => {
  it('contain those of every lease above it, whatever policy is deployed, and those of the policy', () => {
    let permits = 0;
    fc.assert(
      fc.property(
        anyObligations,
        anyObligations,
        fc.array(anyBundle, { maxLength: 2 }),
        verb,
        (first, second, bundles, at) => {
          const log = new TestLog(judgeTrajectory);
          const grant = { ...ROOMY, actions: { allow: ['**'] } };
          const root = openTestRun(log, { ...grant, obligations: first ?? [] }).grantId;
          const child = delegateTestRun(log, root, { obligations: second ?? [] }).grantId;
          for (const bundle of [undefined, ...bundles]) {
            if (bundle) deploy(log, bundle);
            const decided = act(log, child, at, { action: { verb: at, effect: 'read' } });
            if (decided.type !== 'ActionPermitted') continue;
            permits += 1;
            const { obligations = [] } = decided.data;
            for (const limit of [first, second])
              expect(containsAll(obligations, obligationsFor(limit ?? [], at))).toBe(true);
            for (const { obligations: own } of bundle?.agents ?? [])
              expect(containsAll(obligations, obligationsFor(own ?? [], at))).toBe(true);
            if (at === 'a.b') expect(containsAll(obligations, bundle?.catalog?.[0]?.obligations ?? [])).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(permits).toBeGreaterThan(60);
  });
});
