import fc from 'fast-check';
import { attenuatesAll, DIMENSION_TABLE, meetAll } from '@bailiwick/authority/dimensions/all';
import { mayDelegate } from '@bailiwick/authority/dimensions/delegation';
import { budget } from '@bailiwick/authority/dimensions/budget';
import type { ActionFacts, Dimension, Usage, Verdict, Violation } from '@bailiwick/authority/dimensions/dimension';
import { scopesOf } from '@bailiwick/authority/state/scopes';
import { resolveChild } from '@bailiwick/authority/commands/grants/resolve';
import { DIMENSIONS, type DimensionName, type GrantRequest, type Limits } from '@bailiwick/contracts/grants/grant';
import type { Result } from '@bailiwick/core/result';
import {
  anyAction,
  anyDrift,
  anyHistory,
  anyLimits,
  anyTime,
  LIMIT,
  NOW,
  roomyLimits,
  usageAfter,
  type History,
} from './generated-limits';

fc.configureGlobal({ seed: 20260101 });

/** The circumstances in which an action is decided, the same for a child and its parent. */
interface Moment {
  action: ActionFacts;
  history: History;
  drift: number | 'unavailable';
  /** the modes of both read stages */
  stages: boolean;
  now: number;
}
const moments = fc.array(
  fc.record({ action: anyAction, history: anyHistory, drift: anyDrift, stages: fc.boolean(), now: anyTime }),
  { minLength: 1, maxLength: 12 },
);

type Any = Dimension<Limits[DimensionName]>;
const dimension = (name: DimensionName): Any => DIMENSION_TABLE[DIMENSIONS.indexOf(name)] as unknown as Any;

const UNUSED = usageAfter([], { calls: 0, reads: 0, writes: 0, external: 0, cost: {}, windows: [] });

const UNLIMITED = budget.unlimited;

const STRICT = { permit: 0, 'step-up': 1, deny: 2 } as const;

function verdict(
  name: DimensionName,
  limits: Limits,
  { action, history, drift, stages, now }: Moment,
  leaf: boolean,
): Verdict {
  const usage =
    name === 'budget' ? usageAfter(history, limits.budget) : name === 'permissions' ? evenly(history, limits) : UNUSED;
  const situation = { usage, drift, stages, leaf };
  return dimension(name).admits(limits[name], action, situation, now);
}

/**
 * Returns usage in which every capped permission has used the same, which their caps alone distinguish: that of the parent
 * also counts what other children do, and each permit is charged to both.
 */
function evenly(history: History, limits: Limits): Usage {
  const used = usageAfter(history, { ...UNLIMITED, units: { tokens: 1 } }).reserved;
  const scopes = scopesOf(limits).map(() => ({ ...used, calls: history.length }));
  return { ...UNUSED, scopes };
}

/**
 * Returns the action as the parent's own run would have requested it. A key belongs to one run: a caller that proved
 * the child's key would have proved the parent's key in the parent's place.
 */
function asParents(moment: Moment, child: Limits, parent: Limits): Moment {
  const { proof } = moment.action;
  if (proof.vouched) return moment;
  const jkt = proof.jkt !== undefined && proof.jkt === child.session.jkt ? parent.session.jkt : undefined;
  return { ...moment, action: { ...moment.action, proof: { vouched: false, jkt } } };
}

/** Generates pairs, many of them attenuations: the parent met with another, the parent with one change, any two. */
function family(base: fc.Arbitrary<Limits>, name: DimensionName): fc.Arbitrary<[child: Limits, parent: Limits]> {
  return fc
    .tuple(
      base,
      LIMIT[name] as fc.Arbitrary<Limits[DimensionName]>,
      fc.constantFrom('met', 'changed', 'any'),
      fc.nat(9),
    )
    .map(([parent, other, how, which]) => {
      const own = parent[name];
      // of an optional limit, either may be missing
      const keys = Object.keys(other ?? {}).filter((key) => key in (own ?? {}) || !Array.isArray(own));
      const key = keys[which % Math.max(keys.length, 1)];
      const child =
        how === 'met'
          ? dimension(name).meet(own, other)
          : how === 'any' || key === undefined || Array.isArray(own)
            ? other
            : { ...own, [key]: (other as Record<string, unknown>)[key] };
      return [{ ...parent, [name]: child }, parent];
    });
}

interface Tally {
  attenuations: number;
  admitted: number;
  refused: number;
}

/** Checks I1 for one dimension: if `attenuates` accepts a pair, the parent is never stricter than the child. */
function i1(
  name: DimensionName,
  attenuates: Any['attenuates'],
  tally: Tally = { attenuations: 0, admitted: 0, refused: 0 },
) {
  const base = fc.oneof(anyLimits, roomyLimits);
  return fc.property(family(base, name), moments, ([child, parent], all) => {
    if (!attenuates(child[name], parent[name]).ok) {
      tally.refused += 1;
      return;
    }
    tally.attenuations += 1;
    for (const moment of all) {
      const below = verdict(name, child, moment, true);
      const above = verdict(name, parent, asParents(moment, child, parent), true);
      if (below.outcome === 'permit') tally.admitted += 1;
      if (STRICT[above.outcome] > STRICT[below.outcome])
        throw new Error(`the child admits it (${below.outcome}), the parent does not: ${above.message}`);
    }
  });
}

/** Returns an `attenuates` that ignores one member, as a mistake in a rule would. */
const blindTo =
  (name: DimensionName, path: string): Any['attenuates'] =>
  (child, parent) =>
    dimension(name).attenuates(withMember(child, parent, path.split('.')), parent);

function withMember<T>(into: T, from: T, [key, ...rest]: string[]): T {
  if (key === undefined) return from;
  const copy = { ...into } as Record<string, unknown>;
  const theirs = (from as Record<string, unknown>)[key];
  if (theirs === undefined) delete copy[key];
  else copy[key] = rest.length > 0 ? withMember(copy[key], theirs, rest) : theirs;
  return copy as T;
}

/** Members whose omitted check a test must detect. */
const MEMBERS: Partial<Record<DimensionName, string[]>> = {
  time: ['notBefore', 'expiresAt'],
  session: ['jkt'],
  purpose: ['onDrift.stepUpAt', 'onDrift.suspendAt'],
  actions: ['allow', 'deny', 'mode'],
  budget: ['calls', 'reads', 'writes', 'external', 'cost', 'units', 'perAction', 'perVerb', 'askAt', 'windows'],
  risk: ['ceiling', 'approvalFrom'],
  posture: ['agentClass', 'model', 'modelVersion', 'environment', 'imageDigest'],
};

describe('I1: a child admits nothing that its parent does not', () => {
  describe.each(DIMENSIONS.filter((name) => name !== 'delegation'))('in %s', (name) => {
    it('the parent admits every action that the child admits', () => {
      const tally: Tally = { attenuations: 0, admitted: 0, refused: 0 };
      fc.assert(
        i1(name, (child, parent) => dimension(name).attenuates(child, parent), tally),
        { numRuns: 800 },
      );
      // proves that enough cases were attenuations
      expect(Math.min(tally.attenuations, tally.admitted, tally.refused)).toBeGreaterThan(100);
    });

    const members = MEMBERS[name] ?? [];
    if (members.length > 0)
      it.each(members)('a missing check of %s is detected', (member) => {
        expect(fc.check(i1(name, blindTo(name, member)), { numRuns: 10_000, endOnFailure: true }).failed).toBe(true);
      });
  });

  it.each<[string, (child: Limits['resources'], parent: Limits['resources']) => Limits['resources']]>([
    ['paths', (child, parent) => child.map((each) => ({ ...each, match: parent[0]?.match ?? each.match }))],
    ['types', (child, parent) => child.map((each) => ({ ...each, type: parent[0]?.type ?? each.type }))],
    ['conditions', (child, parent) => child.map((each) => ({ ...each, where: parent[0]?.where ?? each.where }))],
  ])('in resources, a missing check of %s is detected', (_, blind) => {
    const broken: Any['attenuates'] = (child, parent) => {
      const [own, theirs] = [child as Limits['resources'], parent as Limits['resources']];
      return dimension('resources').attenuates(blind(own, theirs), theirs);
    };
    expect(fc.check(i1('resources', broken), { numRuns: 4_000, endOnFailure: true }).failed).toBe(true);
  });

  const delegating = (
    attenuates: (child: Limits['delegation'], parent: Limits['delegation']) => Result<void, Violation[]>,
  ) =>
    fc.property(
      LIMIT.delegation,
      LIMIT.delegation,
      fc.constantFrom('m', 'n', 'o'),
      fc.nat(3),
      fc.nat(3),
      (child, parent, agentClass, made, live) => {
        if (!attenuates(child, parent).ok) return;
        const below = mayDelegate(child, agentClass, made, live);
        if (parent.ask && !child.ask) throw new Error('a child needs no approval, and its parent does');
        // each level can delegate one level less
        if (below.outcome === 'permit' && child.depth >= parent.depth)
          throw new Error('a child is as deep as its parent');
        if (below.outcome === 'permit') expect(mayDelegate(parent, agentClass, made, live).outcome).toBe('permit');
      },
    );

  it('in delegation, the child delegates to fewer classes and less deeply than its parent', () => {
    fc.assert(
      delegating((child, parent) => dimension('delegation').attenuates(child, parent)),
      { numRuns: 980 },
    );
  });

  it.each(['depth', 'children', 'classes', 'concurrent', 'ask'])(
    'in delegation, a missing check of %s is detected',
    (member) => {
      const broken = blindTo('delegation', member);
      expect(fc.check(delegating(broken), { numRuns: 20_000, endOnFailure: true }).failed).toBe(true);
    },
  );
});

describe('I1 for whole limits', () => {
  const admitsAll = (limits: Limits, moment: Moment, leaf: boolean): boolean =>
    DIMENSIONS.every((name) => {
      const own = { ...moment, stages: limits.actions.stages === true };
      return verdict(name, limits, own, leaf).outcome === 'permit';
    });

  const some = fc.subarray([...DIMENSIONS], { maxLength: 2 });
  const taking = (limits: Limits, names: readonly DimensionName[], from: Limits): Limits =>
    Object.assign({ ...limits }, ...names.map((name) => ({ [name]: from[name] }))) as Limits;

  /**
   * Generates a roomy parent tightened in some dimensions, and a child tightened in some and loosened in others.
   * @param loosened dimensions in which every parent is tightened and every child loosened
   */
  const pairs = (loosened: DimensionName[]) =>
    fc
      .tuple(roomyLimits, anyLimits, anyLimits, some, some, some)
      .map(([roomy, x, y, tightened, tighter, looser]): [Limits, Limits] => {
        const parent = taking(roomy, [...tightened, ...loosened], meetAll(roomy, x));
        const child = taking(taking(parent, tighter, meetAll(parent, y)), [...looser, ...loosened], roomy);
        return [{ ...child, delegation: { depth: 0, children: 0, classes: [] } }, parent];
      });

  const whole = (
    violations: typeof attenuatesAll,
    tally = { attenuations: 0, admitted: 0 },
    loosened: DimensionName[] = [],
  ) =>
    fc.property(pairs(loosened), moments, ([child, parent], all) => {
      if (violations(child, parent).length > 0) return;
      tally.attenuations += 1;
      for (const moment of all) {
        if (!admitsAll(child, moment, true)) continue;
        tally.admitted += 1;
        // as in a decision: the acting run's own grant, and one above it
        if (!admitsAll(parent, moment, false)) throw new Error('the child admits it, the parent does not');
      }
    });

  it('the parent admits every action that the child admits', () => {
    const tally = { attenuations: 0, admitted: 0 };
    fc.assert(whole(attenuatesAll, tally), { numRuns: 1_300 });
    expect(Math.min(tally.attenuations, tally.admitted)).toBeGreaterThan(150);
  });

  it.each(['purpose', 'actions', 'resources', 'budget', 'risk', 'posture', 'time'] as const)(
    'a missing check of %s is detected',
    (name) => {
      const broken: typeof attenuatesAll = (child, parent) =>
        attenuatesAll(child, parent).filter((each) => each.dimension !== name);
      expect(fc.check(whole(broken, undefined, [name]), { numRuns: 12_000, endOnFailure: true }).failed).toBe(true);
    },
  );

  it('attenuation is transitive: a grandchild is an attenuation of its grandparent', () => {
    fc.assert(
      fc.property(roomyLimits, anyLimits, anyLimits, fc.subarray([...DIMENSIONS]), (first, x, y, changed) => {
        const second = { ...meetAll(first, x), delegation: { depth: 1, children: 1, classes: [] } };
        const third = { ...second, delegation: { depth: 0, children: 0, classes: [] } };
        for (const name of changed) Object.assign(third, { [name]: y[name] });
        if (attenuatesAll(second, first).length > 0 || attenuatesAll(third, second).length > 0) return;
        expect(attenuatesAll(third, first)).toEqual([]);
      }),
      { numRuns: 650 },
    );
  });
});

describe('meeting', () => {
  const below = (name: DimensionName, met: Limits[DimensionName], of: Limits[DimensionName]) => {
    // attenuation of delegation applies to a child, one level down; a meeting stays on the same level
    const above = name === 'delegation' ? { ...of, depth: (of as Limits['delegation']).depth + 1 } : of;
    return dimension(name).attenuates(met, above);
  };

  it.each(DIMENSIONS)('the meeting of two limits of %s attenuates both, and of one with itself equals it', (name) => {
    const limit = LIMIT[name] as fc.Arbitrary<Limits[DimensionName]>;
    fc.assert(
      fc.property(limit, limit, anyLimits, moments, (a, b, others, all) => {
        const met = dimension(name).meet(a, b);
        expect(below(name, met, a)).toEqual({ ok: true, value: undefined });
        expect(below(name, met, b)).toEqual({ ok: true, value: undefined });
        const [one, twice] = [a, dimension(name).meet(a, a)].map((each) => ({ ...others, [name]: each }));
        // what a run states satisfies no condition, and a meeting leaves out conditions that nothing satisfies
        for (const moment of all.filter(({ action }) => action.stated === undefined)) {
          expect(verdict(name, twice as Limits, moment, true).outcome).toBe(
            verdict(name, one as Limits, moment, true).outcome,
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['time', 'purpose', 'budget', 'risk', 'posture'] as const)(
    'the meeting of two limits of %s admits everything that both admit',
    (name) => {
      const limit = LIMIT[name] as fc.Arbitrary<Limits[DimensionName]>;
      fc.assert(
        fc.property(limit, limit, anyLimits, moments, (a, b, others, all) => {
          const [x, y, met] = [a, b, dimension(name).meet(a, b)].map((each) => ({ ...others, [name]: each })) as [
            Limits,
            Limits,
            Limits,
          ];
          for (const moment of all) {
            const both = Math.max(
              STRICT[verdict(name, x, moment, true).outcome],
              STRICT[verdict(name, y, moment, true).outcome],
            );
            const { outcome } = verdict(name, met, moment, true);
            // a share of a smaller cap asks a person sooner
            if (met.budget.askAt !== undefined && both === STRICT.permit && outcome === 'step-up') continue;
            expect(STRICT[outcome]).toBe(both);
          }
        }),
        { numRuns: 200 },
      );
    },
  );
});

describe('a child as resolved from a request', () => {
  it('is an attenuation, or the request is refused', () => {
    const part = <K extends DimensionName>(limits: Limits, name: K, take: boolean) =>
      take ? { [name]: limits[name] } : {};
    let [granted, refused] = [0, 0];
    fc.assert(
      fc.property(
        roomyLimits,
        anyLimits,
        fc.subarray([...DIMENSIONS], { maxLength: 3 }),
        fc.boolean(),
        moments,
        (parent, other, asked, meet, all) => {
          const source = meet ? meetAll(parent, other) : other;
          const request: GrantRequest = Object.assign(
            {},
            ...DIMENSIONS.map((name) => part(source, name, asked.includes(name))),
          );
          const resolved = resolveChild(request, parent, NOW);
          if (!resolved.ok) {
            refused += 1;
            return;
          }
          granted += 1;
          expect(attenuatesAll(resolved.value, parent)).toEqual([]);
          for (const moment of all) {
            const own = DIMENSIONS.every((name) => verdict(name, resolved.value, moment, true).outcome === 'permit');
            if (own)
              expect(DIMENSIONS.every((name) => verdict(name, parent, moment, false).outcome === 'permit')).toBe(true);
          }
        },
      ),
      { numRuns: 800 },
    );
    expect(Math.min(granted, refused)).toBeGreaterThan(100);
  });
});
