import fc from 'fast-check';
import { parseDuration } from '@bailiwick/core/duration';
import type { GrantRequest, VerbCap, WindowCap } from '@bailiwick/contracts/grants/grant';

/** Generates requests: leases with low caps, and calls that reach or exceed them. */

/** Picks one of a few values; `fc.constantFrom` would infer a separate type for each. */
export const one = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom<T[]>(...values);
export const maybe = <T>(arbitrary: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq });
export const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const hardly = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 24, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Removes undefined members, as JSON serialization does. */
export const sent = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

export const money = maybe(
  one(0, 1, 3, 3, 6, 6, 12).map((USD): Record<string, number> => ({ USD })),
  2,
);
/** No unit in most calls; `seats` is a unit that few leases name. */
export const units = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constant<Record<string, number>>({ tokens: 4 }) },
  { weight: 1, arbitrary: fc.constant<Record<string, number>>({ tokens: 2, seats: 1 }) },
);
const count = fc.oneof(fc.integer({ min: 0, max: 6 }), ...[50, 50, 50, 50].map((most) => fc.constant(most)));
const window = one<WindowCap>(
  { per: '2s', calls: 2 },
  { per: '2s', cost: { USD: 9 } },
  { per: '1m', calls: 3, writes: 1 },
  { per: '1m', units: { tokens: 12 } },
  { per: 'day', timezone: 'Asia/Kathmandu', calls: 4, cost: { USD: 12 } },
  { per: 'week', timezone: 'Europe/Berlin', calls: 6 },
  { per: '1h', cost: { USD: 20 } },
  { per: '1h', reads: 4, external: 1, cost: { USD: 30, EUR: 5 } },
);
const verbCap = one<VerbCap>(
  { actions: ['file.read'], calls: 3 },
  { actions: ['file.*', 'email.send'], calls: 4, cost: { USD: 9 } },
  { actions: ['**'], cost: { USD: 6 }, units: { tokens: 10 } },
);
const verbCaps = fc.array(verbCap, { minLength: 1, maxLength: 2 });
const delegation = fc
  .record({
    depth: fc.integer({ min: 0, max: 4 }),
    children: fc.integer({ min: 1, max: 4 }),
    classes: one(['*'], ['*'], ['helper']),
    concurrent: hardly(fc.integer({ min: 1, max: 3 })),
  })
  .map(sent);
const ttl = fc
  .record({
    ttl: one('1m', '30m', '2h', '2h', '3d'),
    renewUntil: one('5m', '4h', '4d', undefined, undefined),
    endsOn: rarely(
      one([{ actions: ['thing.*'] }], [{ actions: ['email.send'], resources: [{ type: 'file', match: 'a/*' }] }]),
    ),
  })
  .map(({ ttl: lasts, renewUntil, endsOn }) => {
    const longer = renewUntil !== undefined && (parseDuration(renewUntil) ?? 0) > (parseDuration(lasts) ?? 0);
    return sent({ ttl: lasts, renewUntil: longer ? renewUntil : undefined, endsOn });
  });
const risk = one<GrantRequest['risk']>({ ceiling: 'high' }, { approvalFrom: 'medium' }, { ceiling: 'irreversible' });

const EVERYTHING = [{ type: '*', match: '**' }];
const permissions = one<GrantRequest['permissions']>(
  [{ actions: ['*'], resources: EVERYTHING }],
  [
    { actions: ['file.*', 'do.*'], resources: EVERYTHING },
    { actions: ['**.send'], resources: EVERYTHING, mode: 'propose' },
  ],
  [
    { actions: ['file.read'], resources: EVERYTHING },
    { actions: ['file.write'], resources: [{ type: 'file', match: 'a/**' }], calls: 2, cost: { USD: 15 } },
  ],
);
const deny = one<GrantRequest['deny']>(
  [{ actions: ['file.write'], resources: [{ type: 'file', match: 'a/b/**' }] }],
  [{ actions: ['**.send'], resources: EVERYTHING }],
);

export const rootGrant: fc.Arbitrary<GrantRequest> = fc
  .record({
    time: ttl,
    actions: one<GrantRequest['actions']>(
      { allow: ['*'] },
      { allow: ['*'] },
      { allow: ['file.*', '**.send'], deny: ['file.write'] },
      { allow: ['*'], mode: 'propose' },
    ),
    resources: one([{ type: '*', match: '**' }], [{ type: 'file', match: 'a/**' }]),
    budget: fc
      .record({
        calls: count,
        reads: count,
        writes: count,
        external: count,
        cost: one<Record<string, number>>({ USD: 60 }, { USD: 12 }, { USD: 30, EUR: 9 }, {}),
        units: maybe(one<Record<string, number>>({ tokens: 8 }, { tokens: 12 }, { tokens: 90, seats: 2 }), 6),
        perVerb: rarely(verbCaps),
        askAt: rarely(one(0.5, 0.8)),
        windows: maybe(fc.array(window, { minLength: 1, maxLength: 2 }), 2),
      })
      .map(sent),
    delegation,
    risk: rarely(risk),
    permissions: rarely(permissions),
    deny: rarely(deny),
  })
  .map(sent);

/** A lease that inherits its caps could rarely have them set aside. */
const SET_ASIDE = { reads: 3, writes: 2, external: 1, cost: { USD: 6 }, units: {} };

export const childGrant: fc.Arbitrary<GrantRequest> = fc
  .record({
    time: maybe(ttl, 2),
    actions: rarely(one<GrantRequest['actions']>({ deny: ['thing.*'] }, { allow: ['file.*'] })),
    budget: maybe(
      fc
        .record({
          calls: maybe(count),
          reads: rarely(count),
          writes: rarely(count),
          cost: rarely(one<Record<string, number>>({ USD: 18 }, { USD: 6 }, {})),
          units: rarely(one<Record<string, number>>({ tokens: 8 }, { tokens: 8, seats: 1 }, {})),
          perVerb: rarely(verbCaps),
          askAt: hardly(one(0.4, 0.7)),
          reserve: rarely(fc.constant(true)),
          windows: rarely(fc.array(window, { maxLength: 1 })),
        })
        .map((budget) => (budget.reserve ? { ...budget, ...SET_ASIDE, calls: budget.calls ?? 4 } : budget))
        .map(sent),
    ),
    delegation: maybe(
      delegation.map((each) => ({ ...each, depth: Math.min(each.depth, 2) })),
      5,
    ),
    permissions: rarely(permissions),
    deny: rarely(deny),
  })
  .map(sent);

/**
 * Requests to narrow a lease; some would widen one that is narrower already. None adds a window, which starts empty and
 * so is outside the sums of the oracle.
 */
export const narrowing: fc.Arbitrary<GrantRequest> = one<GrantRequest>(
  { actions: { deny: ['email.*'] } },
  { actions: { allow: ['file.*'] } },
  { actions: { mode: 'propose' } },
  { resources: [{ type: 'file', match: 'a/**' }] },
  { budget: { calls: 30 } },
  { budget: { writes: 1 } },
  { time: { ttl: '20m' } },
  { time: { endsOn: [{ actions: ['thing.delete'] }] } },
  { delegation: { depth: 0 } },
  { purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.8 } } },
);

export const want: fc.Arbitrary<GrantRequest> = one<GrantRequest>(
  { budget: { calls: 50 } },
  { budget: { calls: 60, reads: 60, cost: { USD: 80 } } },
  { actions: { allow: ['*'] } },
  { delegation: { depth: 4, children: 6, classes: ['*'] } },
  { permissions: [{ actions: ['file.*'], resources: EVERYTHING }] },
  { budget: { calls: 1 } },
);

export interface Call {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly effect?: 'read' | 'write' | 'exec' | 'external' | undefined;
  readonly resource: { type: string; id: string; attributes?: Record<string, string> };
  readonly cost?: Record<string, number> | undefined;
  readonly units?: Record<string, number> | undefined;
  readonly args?: number | undefined;
  readonly labels?: string[] | undefined;
  readonly drift?: number | 'unavailable' | undefined;
}
const VERBS = ['file.read', 'file.read', 'file.write', 'email.send', 'thing.delete', 'do.something'];
const RARE_VERBS = ['secret.read', 'shell.run', 'iam.raise', 'production.deploy', 'a..b', ' FILE.READ'];
export const call: fc.Arbitrary<Call> = fc.record({
  verb: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...VERBS) },
    { weight: 1, arbitrary: fc.constantFrom(...RARE_VERBS) },
  ),
  tool: rarely(fc.constantFrom('mailer', 'file.write')),
  effect: rarely(one<Call['effect']>('read', 'write', 'exec', 'external')),
  resource: one<Call['resource']>(
    { type: 'file', id: 'a/b' },
    { type: 'file', id: 'a/c' },
    { type: 'file', id: 'a/b', attributes: { owner: 'x' } },
    { type: 'repo', id: 'r' },
  ),
  cost: money,
  units,
  args: maybe(fc.nat(2)),
  labels: rarely(one(['untrusted'], ['private'])),
  drift: hardly(one<Call['drift']>(0.2, 0.7, 0.9, 'unavailable')),
});
