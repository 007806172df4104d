import fc from 'fast-check';
import type { ActionFacts } from '@bailiwick/authority/dimensions/dimension';
import { deny } from '@bailiwick/authority/dimensions/denied-pairs';
import { permissions } from '@bailiwick/authority/dimensions/permissions';
import { facts, NOW, situation } from '@bailiwick/authority/testing/facts';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Condition, DenyLimit, PermissionsLimit, Selector } from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { covers } from './naive';

/**
 * Compares the rules of permissions and denied pairs with naive ones, written again, over every action of a small
 * universe. Fails if a child's entry may lie in the union of several entries; if a mode or a condition is not compared;
 * if a denial does not hold in doubt.
 */
fc.configureGlobal({ seed: 20260113 });

type Outcome = 'permit' | 'step-up' | 'deny';
const STRICT: Record<Outcome, number> = { permit: 0, 'step-up': 1, deny: 2 };

// ---- the universe ----------------------------------------------------------------------------------------------

const SITUATIONS: [stated: 'run' | undefined, n: Attribute | undefined][] = [
  [undefined, undefined],
  [undefined, 1],
  [undefined, 2],
  [undefined, 'x'],
  [undefined, 'z'],
  [undefined, ['x', 'y']],
  ['run', 1],
  ['run', undefined],
];
const UNIVERSE: ActionFacts[] = ['a', 'a.x', 'a.y', 'b.x'].flatMap((verb) =>
  (['read', 'write'] as const).flatMap((effect) =>
    ['d', 'd/e', 'D/e', 's/e'].flatMap((id) =>
      ['file', 'File'].flatMap((type) =>
        SITUATIONS.map(([stated, n]) =>
          facts({ verb, effect, stated, resource: { type, id, attributes: n === undefined ? {} : { n } } }),
        ),
      ),
    ),
  ),
);

// ---- the naive rules -------------------------------------------------------------------------------------------

/** Matches by the regular expression of a verb: a path is one, except that its last `*` is one segment. */
const onPath = (pattern: string, id: string): boolean =>
  covers(`${pattern.replaceAll('.', '-').replaceAll('/', '.')}.END`, `${id.replaceAll('/', '.')}.END`);

/** Of the operators that the generator uses, each in one line. */
function holds(condition: Condition, value: Attribute): boolean {
  if (condition.eq !== undefined && value !== condition.eq) return false;
  if (condition.ne !== undefined && (typeof value !== typeof condition.ne || value === condition.ne)) return false;
  if (condition.in && !condition.in.some((each) => each === value)) return false;
  if (condition.lte !== undefined && !(typeof value === 'number' && value <= condition.lte)) return false;
  return !condition.any || (Array.isArray(value) && value.some((each) => condition.any?.includes(each)));
}

function naiveEntry({ actions, resources, mode, until }: PermissionsLimit[number], action: ActionFacts): Outcome {
  if (until !== undefined && until <= rfc3339(NOW)) return 'deny';
  const { verb, stated, effect, resource } = action;
  if (!actions.some((pattern) => covers(pattern, verb))) return 'deny';
  const byMode: Outcome = effect === 'read' || (mode ?? 'execute') === 'execute' ? 'permit' : mode === 'draft' ? 'deny' : 'step-up'; // prettier-ignore
  const byResource = resources.map((selector): Outcome => {
    const { type, match, except = [], where = {} } = selector;
    if (type !== '*' && type !== resource.type) return 'deny';
    if (!onPath(match, resource.id)) return 'deny';
    if (except.some((each) => onPath(each.toLowerCase(), resource.id.toLowerCase()))) return 'deny';
    const names = Object.keys(where);
    if (names.length === 0) return 'permit';
    const isKnown = (name: string): boolean => resource.attributes[name] !== undefined;
    const all = names.map(
      (name) => isKnown(name) && holds(where[name] as Condition, resource.attributes[name] as string),
    );
    if (stated !== 'run') return all.includes(false) ? 'deny' : 'permit';
    return names.some((name, i) => isKnown(name) && all[i] === false) ? 'deny' : 'step-up';
  });
  return strictest([byMode, mildest(byResource)]);
}
const mildest = (all: Outcome[]): Outcome =>
  [...all, 'deny' as const].sort((a, b) => STRICT[a] - STRICT[b])[0] as Outcome;
const strictest = (all: Outcome[]): Outcome => [...all].sort((a, b) => STRICT[b] - STRICT[a])[0] as Outcome;

const naivePermissions = (limit: PermissionsLimit | undefined, action: ActionFacts): Outcome =>
  limit === undefined ? 'permit' : mildest(limit.map((entry) => naiveEntry(entry, action)));

const naiveDeny = (limit: DenyLimit | undefined, { verb, stated, resource }: ActionFacts): Outcome => {
  const reaches = ({ type, match, where = {} }: DenyLimit[number]['resources'][number]): boolean =>
    (type === '*' || type.toLowerCase() === resource.type.toLowerCase()) &&
    onPath(match.toLowerCase(), resource.id.toLowerCase()) &&
    Object.entries(where).every(([name, condition]) => {
      const value = resource.attributes[name];
      if (stated === 'run' || value === undefined) return true;
      const isOfItsKind = Array.isArray(value) ? condition.any !== undefined : kinds(condition).includes(typeof value);
      return !isOfItsKind || holds(condition, value);
    });
  const isDenied = (limit ?? []).some(
    (pair) => pair.actions.some((pattern) => covers(pattern, verb)) && pair.resources.some(reaches),
  );
  return isDenied ? 'deny' : 'permit';
};
const kinds = ({ eq, ne, in: among = [], lte }: Condition): string[] =>
  [eq, ne, lte, ...among].filter((each) => each !== undefined).map((each) => typeof each);

// ---- limits ----------------------------------------------------------------------------------------------------

const verbs = fc.subarray(['a', 'a.x', 'a.*', 'a.y', 'b.*', '*', '*.x', '**.x'], { minLength: 1, maxLength: 2 });
const path = fc.constantFrom('**', 'd', 'd/**', 'd/*', 's/**', '*/e');
const condition = fc.constantFrom<Condition[]>(
  { eq: 1 },
  { ne: 1 },
  { in: [1, 2] },
  { in: [1, 'x'] },
  { lte: 2 },
  { eq: 'x' },
  { any: ['x'] },
  { any: ['x', 'z'] },
);
const where = fc.option(condition, { freq: 2, nil: undefined }).map((n) => (n ? { where: { n } } : {}));
const selector: fc.Arbitrary<Selector> = fc
  .tuple(fc.constantFrom('file', 'file', '*'), path, where, fc.option(path, { freq: 1, nil: undefined }))
  .map(([type, match, conditions, except]) => ({
    type,
    match,
    ...conditions,
    ...(except === undefined ? {} : { except: [except] }),
  }));
const modes = fc.constantFrom(undefined, undefined, 'draft', 'propose', 'execute' as const);
const ends = fc.constantFrom(undefined, undefined, undefined, ...[-1, 0, 1, 2].map((n) => rfc3339(NOW + n)));
const anyPermissions: fc.Arbitrary<PermissionsLimit> = fc.array(
  fc
    .tuple(verbs, fc.array(selector, { minLength: 1, maxLength: 2 }), modes, ends)
    .map(([actions, resources, mode, until]) => ({
      actions,
      resources,
      ...(mode ? { mode: mode as 'draft' } : {}),
      ...(until ? { until } : {}),
    })),
  { minLength: 1, maxLength: 4 },
);
const anyDeny: fc.Arbitrary<DenyLimit> = fc.array(
  fc.record({
    actions: verbs,
    resources: fc.array(
      selector.map(({ except: _, ...rest }) => rest),
      { minLength: 1, maxLength: 2 },
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

const admits = (rule: typeof permissions | typeof deny, limit: never, action: ActionFacts): Outcome =>
  rule.admits(limit, action, situation(), NOW).outcome;

describe.each([
  ['permissions', permissions, anyPermissions, naivePermissions],
  ['denied pairs', deny, anyDeny, naiveDeny],
] as const)('%s', (_name, rule, any, naive) => {
  const limit = any as fc.Arbitrary<never>;
  const answer = naive as (limit: unknown, action: ActionFacts) => Outcome;
  const compare = rule.attenuates as (child: unknown, parent: unknown) => { ok: boolean };

  it('answer every action as the naive rule does', () => {
    const seen = new Set<Outcome>();
    const property = fc.property(limit, (each) => {
      for (const action of UNIVERSE) {
        const outcome = admits(rule, each, action);
        seen.add(outcome);
        if (outcome !== answer(each, action)) throw new Error(`${outcome} for ${JSON.stringify(action)}`);
      }
    });
    fc.assert(property, { numRuns: 200 });
    expect(seen.size).toBe(rule === permissions ? 3 : 2);
  });

  it('of a child are never milder than those of its parent, if they attenuate', () => {
    let [kept, refused] = [0, 0];
    const changed = (parent: PermissionsLimit, conditions: Pick<Selector, 'where'>): PermissionsLimit =>
      parent.map((each) => ({
        ...each,
        resources: each.resources.map(({ where: _, ...rest }) => ({ ...rest, ...conditions })),
      }));
    const how = fc.constantFrom('met', 'changed', 'any');
    const property = fc.property(limit, limit, how, where, (one, parent, from, conditions) => {
      const child = { met: rule.meet(one, parent), changed: changed(parent, conditions), any: one }[from];
      if (!compare(child, parent).ok) return void (refused += 1);
      kept += 1;
      for (const action of UNIVERSE)
        if (STRICT[answer(child, action)] < STRICT[answer(parent, action)])
          throw new Error(`the child admits ${JSON.stringify(action)}`);
    });
    fc.assert(property, { numRuns: 1_300 });
    expect(Math.min(kept, refused)).toBeGreaterThan(300);
  });

  it('of a child may not be missing if its parent has them', () => {
    fc.assert(fc.property(limit, (parent) => !compare(undefined, parent).ok && compare(parent, undefined).ok));
  });

  it('meet in what attenuates both', () => {
    const property = fc.property(limit, limit, (a, b) => {
      const met = rule.meet(a, b);
      expect([compare(met, a).ok, compare(met, b).ok]).toEqual([true, true]);
    });
    fc.assert(property, { numRuns: 200 });
  });
});

describe('permissions with caps', () => {
  const few = UNIVERSE.filter((_, i) => i % 3 === 0);
  const capped = fc
    .tuple(anyPermissions, fc.array(fc.constantFrom(undefined, undefined, 0, 1, 2), { minLength: 4, maxLength: 4 }))
    .map(([list, caps]) => list.map((each, i) => ({ ...each, ...(caps[i] === undefined ? {} : { calls: caps[i] }) })));
  /** Decides with the same number of calls used in every capped entry. */
  const decided = (limit: PermissionsLimit, action: ActionFacts, calls: number): Outcome => {
    const none = { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
    const scopes = limit.filter((each) => each.calls !== undefined).map(() => ({ ...none, calls }));
    const usage = { committed: none, reserved: none, windows: [], scopes };
    return permissions.admits(limit, action, situation({ usage }), NOW).outcome;
  };
  const naive = (limit: PermissionsLimit, action: ActionFacts, used: number): Outcome =>
    mildest(limit.map((each) => (used + 1 > (each.calls ?? Infinity) ? 'deny' : naiveEntry(each, action))));

  it('answer every action as the naive rule does', () => {
    const property = fc.property(capped, fc.nat(2), (limit, used) => {
      for (const action of few) expect(decided(limit, action, used)).toBe(naive(limit, action, used));
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('deny, in every capped entry, if its usage is unknown', () => {
    const property = fc.property(capped, (limit) => {
      for (const action of few)
        expect(permissions.admits(limit, action, situation(), NOW).outcome).toBe(naive(limit, action, Infinity));
    });
    fc.assert(property, { numRuns: 30 });
  });

  it('of a child are never milder than those of its parent, if they attenuate', () => {
    let [kept, refused] = [0, 0];
    const how = fc.constantFrom('met', 'other caps', 'any');
    const property = fc.property(capped, capped, how, (one, parent, from) => {
      const others = parent.map((each, i) => {
        const { calls: _, ...rest } = each;
        const calls = one[i]?.calls;
        return { ...rest, ...(calls === undefined ? {} : { calls }) };
      });
      const child = { met: permissions.meet(one, parent) ?? [], 'other caps': others, any: one }[from];
      if (!permissions.attenuates(child, parent).ok) return void (refused += 1);
      kept += 1;
      for (const used of [0, 1, 2])
        for (const action of few)
          if (STRICT[naive(child, action, used)] < STRICT[naive(parent, action, used)])
            throw new Error(`the child admits ${JSON.stringify(action)} after ${used} calls`);
    });
    fc.assert(property, { numRuns: 390 });
    expect(Math.min(kept, refused)).toBeGreaterThan(100);
  });

  it('meet in what attenuates both', () => {
    const property = fc.property(capped, capped, (a, b) => {
      const met = permissions.meet(a, b);
      expect([permissions.attenuates(met, a).ok, permissions.attenuates(met, b).ok]).toEqual([true, true]);
    });
    fc.assert(property, { numRuns: 130 });
  });
});
