import fc from 'fast-check';
import { actions } from '@bailiwick/authority/dimensions/actions';
import { deny } from '@bailiwick/authority/dimensions/denied-pairs';
import type { ActionFacts, Dimension } from '@bailiwick/authority/dimensions/dimension';
import { permissions } from '@bailiwick/authority/dimensions/permissions';
import { resources } from '@bailiwick/authority/dimensions/resources';
import { couldUse, couldUseOn } from '@bailiwick/authority/matching/could-use';
import { facts, NOW, situation } from '@bailiwick/authority/testing/facts';
import type { Condition, Limits } from '@bailiwick/contracts/grants/grant';

/**
 * What the boundary lists of a server (`couldUse`, `couldUseOn`) against what a decision answers, over every action of a
 * small universe. Fails if a list hides what some arguments would be permitted for, or shows what no arguments would.
 */
fc.configureGlobal({ seed: 20261132 });

const VERBS = ['a', 'a.x', 'a.y', 'b.x'];
const RESOURCES = ['d', 'd/e', 'D/e', 's/e', '/d/e'].flatMap((id) => ['file', 'File'].map((type) => ({ type, id })));
const ATTRIBUTES: Record<string, string | number>[] = [{}, { n: 1 }, { n: 'x' }];
const EFFECTS = ['read', 'write'] as const;

const DECIDING = [actions, resources, permissions, deny] as unknown as readonly Dimension<never>[];
/** Reports whether a lease permits an action, or asks a person for it. */
const isAdmitted = (limits: Limits, action: ActionFacts): boolean =>
  DECIDING.every(
    (rule) =>
      limits[rule.name] === undefined ||
      rule.admits(limits[rule.name] as never, action, situation(), NOW).outcome !== 'deny',
  );

const verbs = fc.subarray(['a', 'a.x', 'a.*', 'a.y', 'b.*', '**', '*.x', 'a.**'], { minLength: 1, maxLength: 2 });
const path = fc.constantFrom('**', '**', 'd', 'd/**', 'D/**', 's/**', '*/e', '/**');
const condition = fc.constantFrom<Condition>({ eq: 1 }, { in: [1, 'x'] }, { ne: 1 });
const selectorOf = (hasConditions: boolean) =>
  fc
    .record({ type: fc.constantFrom('file', 'File', '*', '*'), match: path, n: condition, isOpen: fc.boolean() })
    .map(({ n, isOpen, ...rest }) => ({ ...rest, ...(hasConditions && !isOpen ? { where: { n } } : {}) }));
const several = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: 2 });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

function limitsOf(hasConditions: boolean): fc.Arbitrary<Limits> {
  const selectors = several(selectorOf(hasConditions));
  const pair = fc.record({ actions: verbs, resources: selectors });
  return fc
    .record({
      allow: verbs,
      denied: fc.array(fc.constantFrom('a', 'a.x', 'b.*'), { maxLength: 1 }),
      resources: selectors,
      except: maybe(several(path)),
      permissions: maybe(several(pair)),
      deny: maybe(several(pair)),
    })
    .map(
      ({ allow, denied, resources: some, except, permissions: entries, deny: pairs }) =>
        ({
          actions: { allow, deny: denied, mode: 'execute' },
          resources: some.map((each) => ({ ...each, ...(except ? { except } : {}) })),
          ...(entries ? { permissions: entries } : {}),
          ...(pairs ? { deny: pairs } : {}),
        }) as unknown as Limits,
    );
}

const admitted = (limits: Limits, verb: string, resource: { type: string; id: string }): boolean =>
  EFFECTS.some((effect) =>
    ATTRIBUTES.some((attributes) => isAdmitted(limits, facts({ verb, effect, resource: { ...resource, attributes } }))),
  );

describe('what a list of a server shows', () => {
  it('is all that a decision could permit for some arguments: what is hidden is denied', () => {
    let [hidden, shown] = [0, 0];
    const property = fc.property(limitsOf(true), (limits) => {
      for (const verb of VERBS)
        for (const resource of RESOURCES) {
          const isShown = couldUseOn(limits, verb, resource);
          if (isShown) shown += 1;
          else hidden += 1;
          if (isShown && !couldUse(limits, verb)) throw new Error(`${verb} is hidden, and not on ${resource.id}`);
          if (!isShown && admitted(limits, verb, resource)) throw new Error(`${verb} on ${JSON.stringify(resource)}`);
        }
    });
    fc.assert(property, { numRuns: 400 });
    expect(Math.min(hidden, shown)).toBeGreaterThan(400);
  });

  it('is nothing else, unless a condition leaves it open', () => {
    const property = fc.property(limitsOf(false), (limits) => {
      for (const verb of VERBS)
        for (const resource of RESOURCES)
          if (couldUseOn(limits, verb, resource) && !admitted(limits, verb, resource))
            throw new Error(`${verb} on ${JSON.stringify(resource)} is shown, and always denied`);
    });
    fc.assert(property, { numRuns: 400 });
  });
});
