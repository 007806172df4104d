import fc from 'fast-check';
import { periodsFor } from '@bailiwick/authority/state/periods';
import { reserveInScopes, usageFor } from '@bailiwick/authority/state/scopes';
import { chargeOf, commit, reserve, type MutableUsage } from '@bailiwick/authority/state/usage';
import type { ActionFacts } from '@bailiwick/authority/dimensions/dimension';
import {
  EFFECTS,
  MODES,
  RISKS,
  type BudgetLimit,
  type Condition,
  type DimensionName,
  type Effect,
  type DeniedPair,
  type Ending,
  type Limits,
  type Permission,
  type Selector,
  type VerbCap,
  type WindowCap,
} from '@bailiwick/contracts/grants/grant';
import type { Obligation, ScopedObligation } from '@bailiwick/contracts/obligations/obligation';
import { STAGES } from '@bailiwick/contracts/policy/catalog-entry';
import { rfc3339 } from '@bailiwick/core/clock';

/**
 * Limits, actions and histories over alphabets small enough that they collide often: generated values lie on, next to
 * and across the boundaries of the limits, and many limits are attenuations of one another.
 */
export const NOW = Date.parse('2026-01-01T12:00:00.000Z');

/** Picks some keys of a complete value. (`fc.record` with optional keys nearly always includes all of them.) */
function partOf<T extends object>(
  whole: fc.Arbitrary<T>,
  keys: readonly (keyof T & string)[],
  most = keys.length,
): fc.Arbitrary<Partial<T>> {
  return fc
    .tuple(whole, fc.subarray([...keys], { maxLength: most }))
    .map(([all, some]) => Object.fromEntries(some.map((key) => [key, all[key]])) as Partial<T>);
}

const minute = fc.integer({ min: -2, max: 2 }).map((n) => rfc3339(NOW + n * 60_000));
const subset = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values);

const SEGMENTS = ['a', 'b', 'c'];
const segment = fc.constantFrom(...SEGMENTS);
const token = fc.constantFrom(...SEGMENTS, '*', '**', '**');
const joined = (of: fc.Arbitrary<string>, by: string, maxLength = 3) =>
  fc.array(of, { minLength: 1, maxLength }).map((parts) => parts.join(by));

/** Includes patterns that no constructor allows: other spellings, partial wildcards, empty segments. */
const verbPattern = fc.oneof(
  { weight: 12, arbitrary: joined(token, '.') },
  { weight: 1, arbitrary: fc.constantFrom('A.*', 'a*', '', 'a..b', '*.') },
);
const pathPattern = fc.oneof(
  { weight: 12, arbitrary: joined(token, '/') },
  { weight: 3, arbitrary: joined(fc.constantFrom(...SEGMENTS, 'a*', '*b', 'A*', '*a*', '*', '**'), '/', 2) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom('/', 'https://', 'http://'), joined(token, '/', 2))
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.constantFrom('A/**', '', '/', '/**', 'https://**', 'a//b', 'a**', '/a//b') },
);

const text = fc.constantFrom('', 'x', 'xy', 'z');
const number = fc.integer({ min: 0, max: 3 });
const scalar = fc.oneof(text, number, fc.boolean());
const scalars = fc.array(scalar, { maxLength: 3 });
const form = fc.constantFrom('*', 'x*', '*y', 'x', 'x*y');
const operands = fc.record({
  eq: scalar,
  ne: scalar,
  in: scalars,
  notIn: scalars,
  lt: number,
  lte: number,
  gt: number,
  gte: number,
  prefix: text,
  suffix: text,
  like: form,
  any: scalars,
  all: scalars,
  none: scalars,
});
/** Operators that one value can satisfy together, and some that no value satisfies. */
const condition: fc.Arbitrary<Condition> = fc.oneof(
  partOf(operands, ['eq', 'in', 'ne', 'notIn'], 2),
  partOf(operands, ['lt', 'lte', 'gt', 'gte', 'ne'], 2),
  partOf(operands, ['prefix', 'suffix', 'like', 'notIn'], 2),
  partOf(operands, ['any', 'all', 'none'], 2),
  partOf(operands, ['eq', 'lte', 'prefix', 'any', 'none'], 2),
);
const attribute = fc.oneof(scalar, scalar, fc.array(scalar, { maxLength: 2 }));
const type = fc.constantFrom('repo', 'file', '*');
const selector: fc.Arbitrary<Selector> = fc.record({
  type,
  match: pathPattern,
  where: partOf(fc.record({ n: condition, s: condition, constructor: condition }), ['n', 's', 'constructor'], 1),
  except: fc.option(fc.array(pathPattern, { minLength: 1, maxLength: 2 }), { freq: 2, nil: undefined }),
});

const verbPatterns = fc.array(verbPattern, { minLength: 1, maxLength: 2 });
const entryCaps = fc.constantFrom<Partial<Permission>[]>(
  { calls: 1 },
  { calls: 2 },
  { cost: { USD: 3 } },
  { calls: 2, units: { tokens: 3 } },
);
const permission: fc.Arbitrary<Permission> = fc
  .record({
    actions: verbPatterns,
    resources: fc.array(selector, { minLength: 1, maxLength: 2 }),
    mode: fc.option(fc.constantFrom(...MODES), { freq: 1, nil: undefined }),
    until: fc.option(minute, { freq: 1, nil: undefined }),
    caps: fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: entryCaps }),
  })
  .map(({ mode, until, caps, ...rest }) => ({
    ...rest,
    ...(mode ? { mode } : {}),
    ...(until ? { until } : {}),
    ...caps,
  }));
const deniedPair: fc.Arbitrary<DeniedPair> = fc.record({
  actions: verbPatterns,
  resources: fc.array(
    selector.map(({ except: _, ...rest }) => rest),
    { minLength: 1, maxLength: 2 },
  ),
});
/** Actions that end a lease. Exported for the property that compares them with the actions they match. */
export const ending: fc.Arbitrary<Ending> = fc
  .tuple(
    fc.array(joined(token, '.', 2), { minLength: 1, maxLength: 2 }),
    fc.option(fc.array(selector, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
  )
  .map(([actions, resources]) => ({ actions, ...(resources ? { resources } : {}) }));

const amount = fc.integer({ min: 0, max: 4 });
const money = partOf(fc.record({ USD: amount, EUR: amount }), ['USD', 'EUR']) as fc.Arbitrary<Record<string, number>>;
const unitCaps = partOf(fc.record({ t: amount, u: amount }), ['t', 'u']) as fc.Arbitrary<Record<string, number>>;
const someUnits = fc.option(unitCaps, { freq: 2, nil: undefined });
const counts = fc.record({ calls: amount, reads: amount, writes: amount, external: amount });
const windowCap: fc.Arbitrary<WindowCap> = fc
  .tuple(
    fc.constantFrom<Pick<WindowCap, 'per' | 'timezone'>[]>(
      { per: '1s' },
      { per: '1000ms' },
      { per: '60m' },
      { per: 'day', timezone: 'Europe/Berlin' },
    ),
    partOf(counts, ['calls', 'reads', 'writes', 'external']),
    money,
    someUnits,
  )
  .map(([per, caps, cost, units]) => ({ ...per, ...caps, cost, ...(units ? { units } : {}) }));
const verbCap: fc.Arbitrary<VerbCap> = fc
  .tuple(fc.array(verbPattern, { minLength: 1, maxLength: 2 }), fc.option(amount, { nil: undefined }), money, someUnits)
  .map(([actions, calls, cost, units]) => ({ actions, calls, cost, ...(units ? { units } : {}) }));
const budget: fc.Arbitrary<BudgetLimit> = fc
  .tuple(
    counts,
    money,
    someUnits,
    fc.option(fc.tuple(money, someUnits), { freq: 2 }),
    fc.array(windowCap, { maxLength: 2 }),
    fc.option(fc.array(verbCap, { maxLength: 2 }), { freq: 2, nil: undefined }),
    fc.constantFrom(undefined, undefined, 0.5, 0.7, 1),
  )
  .map(([caps, cost, units, once, windows, perVerb, askAt]) => ({
    ...(askAt === undefined ? {} : { askAt }),
    ...caps,
    cost,
    ...(units ? { units } : {}),
    ...(perVerb ? { perVerb } : {}),
    ...(once ? { perAction: { cost: once[0], ...(once[1] ? { units: once[1] } : {}) } } : {}),
    windows,
  }));

const fields = fc.subarray(['/a', '/b/*/c', '/d'], { minLength: 1 });
export const anyObligation: fc.Arbitrary<Obligation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('remove_fields' as const, 'redact' as const), fields }),
  fc.record({ kind: fc.constant('max_rows' as const), rows: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('watermark' as const), text: fc.constantFrom('x', 'y') }),
  fc.constantFrom<Obligation[]>({ kind: 'custom', name: 'n' }, { kind: 'custom', name: 'n', value: 1 }),
);
/** Obligations of a lease, for all verbs or for some. */
export const anyObligations: fc.Arbitrary<ScopedObligation[] | undefined> = fc.option(
  fc.array(
    fc
      .tuple(
        anyObligation,
        fc.constantFrom<(string[] | undefined)[]>(undefined, ['**'], ['a.*'], ['a.b', 'b'], ['b.**']),
      )
      .map(([each, actions]): ScopedObligation => (actions ? { ...each, actions } : each)),
    { maxLength: 3 },
  ),
  { freq: 3, nil: undefined },
);

const names = fc.subarray(['m', 'n'], { minLength: 1 });
const JKT = ['A', 'B'].map((letter) => letter.repeat(43));

/** Generates any limit of each dimension, with a well-formed shape and arbitrary values. */
export const LIMIT: { [K in DimensionName]: fc.Arbitrary<Limits[K]> } = {
  time: fc
    .record({
      notBefore: minute,
      expiresAt: minute,
      renewUntil: fc.option(minute, { nil: undefined, freq: 2 }),
      endsOn: fc.option(fc.array(ending, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
    })
    .map(({ notBefore, expiresAt, renewUntil, endsOn }) => ({
      notBefore,
      expiresAt,
      ...(renewUntil === undefined ? {} : { renewUntil, ttl: '1m' }),
      ...(endsOn === undefined ? {} : { endsOn }),
    })),
  session: fc.option(fc.constantFrom(...JKT), { freq: 2, nil: undefined }).map((jkt) => (jkt ? { jkt } : {})),
  purpose: fc
    .tuple(fc.constantFrom(0, 0.3, 0.5, 1), fc.constantFrom(0, 0.3, 0.5, 1), subset('s', 't'))
    .map(([x, y, delegatedSources]) => ({
      onDrift: { stepUpAt: Math.min(x, y), suspendAt: Math.max(x, y) },
      delegatedSources,
    })),
  actions: fc.record({
    allow: fc.array(verbPattern, { maxLength: 3 }),
    deny: fc.array(verbPattern, { maxLength: 2 }),
    mode: fc.constantFrom(...MODES),
    stages: fc.constantFrom(true as const, undefined),
  }),
  resources: fc.array(selector, { maxLength: 3 }),
  permissions: fc.option(fc.array(permission, { maxLength: 3 }), { freq: 3, nil: undefined }),
  deny: fc.option(fc.array(deniedPair, { maxLength: 2 }), { freq: 2, nil: undefined }),
  budget,
  delegation: fc
    .record({
      depth: number,
      children: number,
      classes: subset('m', 'n', '*'),
      concurrent: fc.option(fc.integer({ min: 1, max: 3 }), { freq: 2, nil: undefined }),
      ask: fc.option(fc.constant(true as const), { freq: 2, nil: undefined }),
    })
    .map(({ concurrent, ask, ...rest }) => ({
      ...rest,
      ...(concurrent === undefined ? {} : { concurrent }),
      ...(ask ? { ask } : {}),
    })),
  risk: fc.record({ ceiling: fc.constantFrom(...RISKS), approvalFrom: fc.constantFrom(...RISKS) }),
  posture: partOf(
    fc.record({
      agentClass: names,
      model: names,
      modelVersion: names,
      environment: names,
      imageDigest: names,
      attestedBy: names,
    }),
    ['agentClass', 'model', 'modelVersion', 'environment', 'imageDigest', 'attestedBy'],
    3,
  ),
  obligations: anyObligations,
};

export const anyLimits = fc.record(LIMIT) as fc.Arbitrary<Limits>;

/** Limits wide enough to admit some actions, so that narrowing has an effect. */
export const roomyLimits: fc.Arbitrary<Limits> = anyLimits.map((limits) => ({
  ...limits,
  actions: {
    ...limits.actions,
    allow: [...limits.actions.allow, '**'],
    deny: limits.actions.deny.slice(1),
    mode: 'execute',
  },
  resources: [...limits.resources, ...['**', '/**', 'http://**', 'https://**'].map((match) => ({ type: '*', match }))],
  permissions: limits.permissions && [
    ...limits.permissions,
    {
      actions: ['**'],
      resources: ['**', '/**', 'http://**', 'https://**'].map((match) => ({ type: '*', match })),
    },
  ],
  deny: limits.deny?.slice(1),
  budget: {
    ...limits.budget,
    calls: 9,
    reads: 9,
    writes: 9,
    external: 9,
    cost: { USD: 9, EUR: 9 },
    units: { t: 9, u: 9 },
    windows: limits.budget.windows.slice(1),
  },
  time: { notBefore: rfc3339(NOW - 120_000), expiresAt: rfc3339(NOW + 120_000) },
  purpose: { ...limits.purpose, onDrift: { stepUpAt: 0.5, suspendAt: 1 } },
  posture: {},
  risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' },
  delegation: { depth: 3, children: 3, classes: ['*'] },
}));

const postureSeen = partOf(
  fc.record({
    model: fc.constantFrom('m', 'n'),
    modelVersion: fc.constantFrom('m', 'n'),
    environment: fc.constantFrom('m', 'n'),
    imageDigest: fc.constantFrom('m', 'n'),
  }),
  ['model', 'modelVersion', 'environment', 'imageDigest'],
);

const resourceId = fc.oneof(
  { weight: 6, arbitrary: joined(segment, '/') },
  { weight: 2, arbitrary: joined(fc.constantFrom(...SEGMENTS, 'ab', 'B', 'A', 'ba'), '/') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('/', 'https://', 'http://'), joined(segment, '/', 2))
      .map((parts) => parts.join('')),
  },
);

/** Any action, normalized as for a decision, with arbitrary attributes, cost and proof. */
export const anyAction: fc.Arbitrary<ActionFacts> = fc.record({
  verb: joined(segment, '.'),
  tool: fc.constant(undefined),
  effect: fc.constantFrom(...EFFECTS),
  risk: fc.constantFrom(...RISKS),
  stage: fc.constantFrom(...STAGES),
  stated: fc.constantFrom(undefined, undefined, undefined, 'run' as const),
  resource: fc.record({
    type: fc.constantFrom('repo', 'file'),
    id: resourceId,
    attributes: partOf(
      fc.record({ n: attribute, s: attribute, constructor: attribute }),
      ['n', 's', 'constructor'],
      2,
    ) as unknown as fc.Arbitrary<Record<string, string>>,
  }),
  cost: money,
  units: fc.constantFrom(undefined, undefined, undefined, { t: 1 }),
  agentClass: fc.constantFrom('m', 'n'),
  attestedBy: fc.constantFrom(undefined, 'm', 'n'),
  declaredPosture: postureSeen,
  currentPosture: fc.option(postureSeen, { freq: 2, nil: undefined }),
  proof: fc.oneof(
    fc.constant({ vouched: true as const }),
    fc.option(fc.constantFrom(...JKT), { freq: 2, nil: undefined }).map((jkt) => ({ vouched: false as const, jkt })),
  ),
});

/** Earlier actions under a grant, the same for a child and its parent; each charges them to its own budget. */
export type History = readonly {
  at: number;
  effect: Effect;
  cost: Record<string, number>;
  units?: Record<string, number>;
  verb: string;
  settled: boolean;
}[];
export const anyHistory: fc.Arbitrary<History> = fc
  .array(
    fc.record({
      at: fc.constantFrom(-60_000_000, -3_600_001, -2_000, -1_003, -900, 0),
      effect: fc.constantFrom(...EFFECTS),
      cost: money,
      units: someUnits,
      verb: joined(segment, '.'),
      settled: fc.boolean(),
    }),
    { maxLength: 3 },
  )
  .map((entries) => entries.map((each) => ({ ...each, at: NOW + each.at })).sort((a, b) => a.at - b.at));

export function usageAfter(history: History, limit: BudgetLimit): MutableUsage {
  const usage = usageFor({ budget: limit }, 0);
  const account = { usage, limits: { budget: limit }, depth: 0 };
  for (const { at, effect, cost, units, verb, settled } of history) {
    const charge = chargeOf(effect, cost, units);
    reserve(usage, limit, charge, at, periodsFor([account], at));
    reserveInScopes([account], { verb, effect, resource: { type: 'file', id: 'a' } }, charge, at);
    if (settled) commit(usage, limit, charge, charge, at, at);
  }
  return usage;
}

export const anyTime = fc.integer({ min: -130, max: 130 }).map((seconds) => NOW + seconds * 1_000);
export const anyDrift = fc.constantFrom<(number | 'unavailable')[]>(0, 0.3, 0.4, 0.5, 1, 'unavailable');
