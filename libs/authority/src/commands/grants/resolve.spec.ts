import { limits as limitsSchema, type GrantRequest, type Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { Result } from '@bailiwick/core/result';
import { attenuatesAll } from '../../dimensions/all';
import { resolveChild, resolveRoot, tenantDefaults } from './resolve';
import { NOW } from '../../testing/facts';

const HOUR = 3_600_000;
const root = (request: GrantRequest = {}) => resolveRoot(request, tenantDefaults(NOW), NOW);
const must = (result: Result<Limits, Refusal>): Limits => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};
const refused = (result: Result<Limits, Refusal>): Refusal => {
  if (result.ok) throw new Error('was not refused');
  return result.error;
};

describe('a root grant', () => {
  it('takes the tenant’s defaults for omitted dimensions: bounded, and admitting nothing', () => {
    const limits = must(root());
    expect(limits).toEqual(tenantDefaults(NOW));
    expect(limits.time.expiresAt).toBe(rfc3339(NOW + HOUR));
    expect([limits.actions.allow, limits.resources, limits.delegation.depth]).toEqual([[], [], 0]);
    expect(limitsSchema.safeParse(limits).success).toBe(true);
  });

  it('takes the given parts of a dimension from the request and the others from the defaults', () => {
    const limits = must(
      root({ budget: { calls: 3 }, risk: { ceiling: 'low' }, actions: { allow: ['x.y'] }, delegation: { depth: 2 } }),
    );
    expect(limits.budget).toEqual({ ...tenantDefaults(NOW).budget, calls: 3 });
    expect(limits.risk).toEqual({ ceiling: 'low', approvalFrom: 'high' });
    expect(limits.actions).toEqual({ allow: ['x.y'], deny: [], mode: 'execute' });
    expect(limits.delegation).toEqual({ depth: 2, children: 0, classes: [] });
  });

  it('has one spelling of everything: normalized, sorted, without duplicates', () => {
    const limits = must(
      root({
        actions: { allow: ['Repo.READ', 'repo.read', ' a.b'] },
        resources: [
          { type: 'b', match: 'e\u0301/**/**' },
          { type: 'a', match: 'x' },
          { type: 'a', match: 'x' },
        ],
        purpose: { delegatedSources: ['z', 'a', 'z'] },
        posture: { model: ['n', 'm', 'n'] },
        budget: {
          windows: [
            { per: '1d', calls: 5 },
            { per: '60m', calls: 5 },
            { per: '1h', calls: 4 },
          ],
        },
      }),
    );
    expect(limits.actions.allow).toEqual(['a.b', 'repo.read']);
    expect(limits.resources).toEqual([
      { type: 'a', match: 'x' },
      { type: 'b', match: '\u00e9/**' },
    ]);
    expect(limits.purpose.delegatedSources).toEqual(['a', 'z']);
    expect(limits.posture).toEqual({ model: ['m', 'n'] });
    expect(limits.budget.windows).toEqual([
      { per: '60m', calls: 4 },
      { per: '1d', calls: 5 },
    ]);
  });

  it.each<[string, GrantRequest, string, RegExp]>([
    [
      'a bad verb',
      { actions: { allow: ['x.y', 'a..b'] } },
      'PATTERN_INVALID',
      /^grant\.actions\.allow\[1\] "a\.\.b" has an empty segment/,
    ],
    ['a bad denial', { actions: { deny: ['a/b'] } }, 'PATTERN_INVALID', /grant\.actions\.deny\[0\]/],
    [
      'a bad path',
      { resources: [{ type: 'file', match: '/srv/**.ts' }] },
      'PATTERN_INVALID',
      /grant\.resources\[0\]\.match "\/srv\/\*\*\.ts" has the segment "\*\*\.ts", which mixes \*\* with text/,
    ],
    [
      'an exception that leaves out nothing',
      { resources: [{ type: 'file', match: 'src/**', except: ['secret/**'] }] },
      'PATTERN_INVALID',
      /grant\.resources\[0\]\.except\[0\] "secret\/\*\*" leaves out nothing of src\/\*\*/,
    ],
    [
      'an exception that leaves out everything',
      { resources: [{ type: 'file', match: 'src/**', except: ['**'] }] },
      'PATTERN_INVALID',
      /leaves out all of src\/\*\*; remove the selector/,
    ],
    [
      'exceptions that leave out everything together',
      { resources: [{ type: 'file', match: 'a/**', except: ['a', 'a/*', 'a/*/**'] }] },
      'PATTERN_INVALID',
      /leaves out all of a\/\*\*, with the others/,
    ],
    [
      'an excluded value with a space at its end',
      { resources: [{ type: 'file', match: '**', where: { s: { ne: 'secret ' } } }] },
      'PATTERN_INVALID',
      /space at its start or end/,
    ],
    [
      'an excluded value with a letter of another alphabet',
      { resources: [{ type: 'file', match: '**', where: { s: { notIn: ['s\u0435cret'] } } }] },
      'PATTERN_INVALID',
      /where\.s/,
    ],
    [
      'an exception in the notation of another language',
      { resources: [{ type: 'file', match: 'src/**', except: ['!src/secret'] }] },
      'PATTERN_INVALID',
      /except\[0\] "!src\/secret" looks like an exclusion/,
    ],
    [
      'a regular expression as the form of an attribute',
      { resources: [{ type: 'file', match: 'src/**', where: { name: { like: '.*\\.md' } } }] },
      'PATTERN_INVALID',
      /where\.name\.like.*looks like a regular expression/,
    ],
    [
      'two stars in the form of an attribute',
      { resources: [{ type: 'file', match: 'src/**', where: { name: { like: 'docs/**' } } }] },
      'PATTERN_INVALID',
      /write one \*/,
    ],
    ['a lease without length', { time: { ttl: '0s' } }, 'BAD_REQUEST', /would end/],
    ['a lease in the past', { time: { expiresAt: rfc3339(NOW - 1) } }, 'BAD_REQUEST', /would end/],
    [
      'a lease that ends before it starts',
      { time: { notBefore: rfc3339(NOW + HOUR), expiresAt: rfc3339(NOW + 1) } },
      'BAD_REQUEST',
      /would end/,
    ],
    ['a lease beyond the maximum', { time: { ttl: '31d' } }, 'GRANT_EXCEEDS_MAXIMUM', /30d at most/],
    ['a lease beyond all calendars', { time: { ttl: '999999999d' } }, 'GRANT_EXCEEDS_MAXIMUM', /30d at most/],
    [
      'a lease that starts too late',
      { time: { notBefore: rfc3339(NOW + 40 * 24 * HOUR), ttl: '1h' } },
      'GRANT_EXCEEDS_MAXIMUM',
      /30d at most/,
    ],
    [
      'a window that is too short',
      { budget: { windows: [{ per: '999ms', calls: 1 }] } },
      'GRANT_EXCEEDS_MAXIMUM',
      /999ms is not between 1s and 30d/,
    ],
    [
      'a window that is too long',
      { budget: { windows: [{ per: '31d', calls: 1 }] } },
      'GRANT_EXCEEDS_MAXIMUM',
      /31d is not between/,
    ],
  ])('is refused for %s', (_, request, code, detail) => {
    const refusal = refused(root(request));
    expect(refusal.code).toBe(code);
    expect(refusal.detail).toMatch(detail);
  });

  it('lasts 30 days at most, to the millisecond', () => {
    expect(root({ time: { ttl: '30d' } }).ok).toBe(true);
    expect(root({ time: { expiresAt: rfc3339(NOW + LIMITS.grantLifetimeMs + 1) } }).ok).toBe(false);
  });

  it('reports all bad patterns in a bounded detail', () => {
    const bad = Array.from({ length: 64 }, () => '\u0001'.repeat(200));
    const { detail } = refused(root({ actions: { allow: bad, deny: bad } }));
    expect(detail.length).toBeLessThanOrEqual(2_000);
    expect(refused(root({ actions: { allow: ['a b', 'c d'] } })).detail).toMatch(/allow\[0\].*allow\[1\]/);
  });

  it('is refused if its limits do not fit in an event, counted in bytes', () => {
    const selectors = Array.from({ length: 60 }, (_, i) => ({ type: 'file', match: `${i}/${'\u65e5'.repeat(90)}` }));
    expect(refused(root({ resources: selectors })).detail).toMatch(/larger than/);
  });
});

const PARENT = must(
  root({
    time: { ttl: '2h' },
    actions: { allow: ['repo.*'], deny: ['production.*'] },
    resources: [{ type: 'repo', match: 'acme/**' }],
    budget: {
      calls: 30,
      reads: 20,
      writes: 10,
      external: 5,
      cost: { USD: 500 },
      perAction: { cost: { USD: 50 } },
      windows: [{ per: '1h', calls: 20, cost: { USD: 90 } }],
    },
    delegation: { depth: 2, children: 4, classes: ['*'] },
    posture: { environment: ['prod'] },
  }),
);
const child = (request: GrantRequest = {}, now = NOW) => resolveChild(request, PARENT, now);

describe('a child grant', () => {
  it('inherits omitted limits, but no delegation', () => {
    expect(must(child())).toEqual({ ...PARENT, delegation: { depth: 0, children: 0, classes: [] } });
  });

  it('ends with its parent unless its request ends sooner', () => {
    expect(must(child({}, NOW + HOUR)).time).toEqual({
      notBefore: rfc3339(NOW + HOUR),
      expiresAt: PARENT.time.expiresAt,
    });
    expect(must(child({ time: { ttl: '30m' } }, NOW + HOUR)).time.expiresAt).toBe(rfc3339(NOW + 1.5 * HOUR));
    expect(refused(child({ time: { ttl: '61m' } }, NOW + HOUR)).reasons?.map((reason) => reason.path)).toEqual([
      'time.expiresAt',
    ]);
  });

  it('always keeps its parent’s denials', () => {
    expect(must(child({ actions: { deny: ['secret.*'] } })).actions.deny).toEqual(['production.*', 'secret.*']);
    expect(must(child({ actions: { deny: [] } })).actions.deny).toEqual(['production.*']);
  });

  it('always keeps its parent’s windows and caps per action, and may tighten them', () => {
    const { budget } = must(
      child({
        budget: {
          perAction: { cost: { EUR: 1 } },
          windows: [
            { per: '60m', calls: 5 },
            { per: '1d', writes: 1 },
          ],
        },
      }),
    );
    expect(budget.perAction).toEqual({ cost: { EUR: 1, USD: 50 } });
    expect(budget.windows).toEqual([
      { per: '60m', calls: 5, cost: { USD: 90 } },
      { per: '1d', writes: 1 },
    ]);
  });

  it.each<[string, GrantRequest, string[]]>([
    ['actions', { actions: { allow: ['repo.read', 'file.read'] } }, ['actions.allow']],
    ['resources', { resources: [{ type: 'repo', match: '**' }] }, ['resources']],
    [
      'budget',
      { budget: { calls: 31, cost: { USD: 501, EUR: 1 } } },
      ['budget.calls', 'budget.cost.EUR', 'budget.cost.USD'],
    ],
    ['a cap per action', { budget: { perAction: { cost: { USD: 51 } } } }, ['budget.perAction.cost.USD']],
    ['a window', { budget: { windows: [{ per: '1h', calls: 21 }] } }, ['budget.windows[1h]']],
    [
      'delegation',
      { delegation: { depth: 2, children: 5, classes: ['x'] } },
      ['delegation.children', 'delegation.depth'],
    ],
    [
      'risk',
      { risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' } },
      ['risk.approvalFrom', 'risk.ceiling'],
    ],
    ['posture', { posture: { environment: ['prod', 'dev'] } }, ['posture.environment']],
    [
      'purpose',
      { purpose: { onDrift: { stepUpAt: 0.7, suspendAt: 0.9 }, delegatedSources: ['x'] } },
      ['purpose.delegatedSources', 'purpose.onDrift.stepUpAt', 'purpose.onDrift.suspendAt'],
    ],
  ])('is refused if it is wider in %s, with both values', (_, request, paths) => {
    const refusal = refused(child(request));
    expect(refusal.code).toBe('GRANT_WIDENS_PARENT');
    expect(refusal.reasons?.map((reason) => reason.path).sort()).toEqual(paths);
    for (const reason of refusal.reasons ?? []) {
      expect(reason).toMatchObject({ outcome: 'deny', code: 'WIDENS' });
      expect(reason.limit).not.toBeUndefined();
      expect(reason.actual).not.toBeUndefined();
    }
    for (const path of paths) expect(refusal.detail).toContain(path);
  });

  it('must name its own key if its parent is bound to one', () => {
    const bound = { ...PARENT, session: { jkt: 'A'.repeat(43) } };
    expect(refused(resolveChild({}, bound, NOW)).reasons?.map((reason) => reason.path)).toEqual(['session.jkt']);
    expect(must(resolveChild({ session: { jkt: 'B'.repeat(43) } }, bound, NOW)).session.jkt).toBe('B'.repeat(43));
  });

  it('is refused if its denials or windows and those of its parent exceed the maximum', () => {
    const denials = Array.from({ length: LIMITS.patternsPerList }, (_, i) => `x${i}.y`);
    expect(refused(child({ actions: { deny: denials } })).detail).toMatch(/with those of the lease or parent/);
    const windows = Array.from({ length: LIMITS.windowsPerBudget }, (_, i) => ({ per: `${i + 2}h`, calls: 1 }));
    expect(refused(child({ budget: { windows } })).detail).toMatch(/with those of the lease or parent/);
  });

  it('is wider than anything if it was made by hand without the checks of form', () => {
    const forged = [
      { actions: { allow: 'repo.read' } },
      { budget: { ...PARENT.budget, calls: '1' } },
      { time: null },
      { posture: { environment: [] } },
    ];
    for (const part of forged) {
      const violations = attenuatesAll(
        { ...PARENT, delegation: { depth: 0, children: 0, classes: [] }, ...part } as unknown as Limits,
        PARENT,
      );
      expect(violations.map((violation) => violation.path)).toEqual(Object.keys(part));
    }
  });
});
