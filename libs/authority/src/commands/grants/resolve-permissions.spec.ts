import {
  grantRequest,
  limits as limitsSchema,
  type GrantRequest,
  type Limits,
  type PermissionsLimit,
} from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import type { Result } from '@bailiwick/core/result';
import { NOW } from '../../testing/facts';
import { widened } from './escalation';
import { resolveChild, resolveRoot, tenantDefaults } from './resolve';

const file = (match: string) => ({ type: 'file', match });
const READ_DOCS = { actions: ['file.read'], resources: [file('docs/**')] };
const WRITE_SRC = { actions: ['file.write'], resources: [file('src/**')] };
const NO_SECRETS = { actions: ['*'], resources: [file('secrets/**')] };

const root = (request: GrantRequest) => resolveRoot(grantRequest.parse(request), tenantDefaults(NOW), NOW);
const must = (result: Result<Limits, Refusal>): Limits => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  expect(limitsSchema.safeParse(result.value).error).toBeUndefined();
  return result.value;
};
const refused = (result: Result<Limits, Refusal>): Refusal => {
  if (result.ok) throw new Error('was not refused');
  return result.error;
};

describe('a root grant with permissions', () => {
  it('has the union of its entries as envelope unless it names one', () => {
    const limits = must(root({ permissions: [WRITE_SRC, READ_DOCS] }));
    expect([limits.actions.allow, limits.resources]).toEqual([
      ['file.read', 'file.write'],
      [file('docs/**'), file('src/**')],
    ]);
    expect(must(root({ permissions: [READ_DOCS], actions: { allow: ['*'] } })).actions.allow).toEqual(['*']);
  });

  it('has one spelling, whatever the order of its entries', () => {
    const spelled = { actions: ['FILE.read', 'file.read'], resources: [file('docs/**')] };
    expect(must(root({ permissions: [WRITE_SRC, spelled, READ_DOCS] }))).toEqual(
      must(root({ permissions: [READ_DOCS, WRITE_SRC] })),
    );
  });

  it('is refused with the place of each fault', () => {
    const permissions = [READ_DOCS, WRITE_SRC, { actions: ['a..b'], resources: [file('src/*.ts'), file('../x')] }];
    const { code, detail } = refused(root({ permissions, deny: [{ actions: ['x y'], resources: [file('/a//b')] }] }));
    expect(code).toBe('PATTERN_INVALID');
    for (const path of ['permissions[2].actions[0]', 'permissions[2].resources[1].match', 'deny[0].actions[0]'])
      expect(detail).toContain(`grant.${path}`);
  });

  it('may have fifty entries', () => {
    const permissions = Array.from({ length: 50 }, (_, i) => ({
      actions: [`service${i}.read`],
      resources: [file(`projects/p${i}/**`)],
    }));
    const limits = must(root({ permissions }));
    expect(limits.permissions).toHaveLength(50);
    expect(Buffer.byteLength(JSON.stringify(limits))).toBeLessThan(LIMITS.grantBytes);
    expect(must(resolveChild({ permissions: permissions.slice(10) }, limits, NOW)).permissions).toHaveLength(40);
    const narrower = permissions.map((each, i) => ({ ...each, resources: [file(`projects/p${i}/src/**`)] }));
    expect(must(resolveChild({ permissions: narrower }, limits, NOW)).permissions).toHaveLength(50);
  });

  it.each([
    ['a cap', { permissions: [{ ...READ_DOCS, caps: { calls: 1 } }] }],
    ['no verb', { permissions: [{ ...READ_DOCS, actions: [] }] }],
    ['an exception of a pair', { deny: [{ ...NO_SECRETS, resources: [{ ...file('a/**'), except: ['a/b'] }] }] }],
  ])('is refused for %s', (_what, request) => {
    expect(grantRequest.safeParse(request).success).toBe(false);
  });
});

describe('a child of a lease with permissions and pairs', () => {
  const parent = must(root({ permissions: [READ_DOCS, WRITE_SRC], deny: [NO_SECRETS] }));

  it('inherits both', () => {
    expect(must(resolveChild({}, parent, NOW))).toMatchObject({
      permissions: parent.permissions,
      deny: [NO_SECRETS],
      actions: parent.actions,
    });
  });

  it('keeps its parent’s pairs and adds its own', () => {
    const own = { actions: ['file.write'], resources: [file('src/db/**')] };
    expect(must(resolveChild({ deny: [own] }, parent, NOW)).deny).toEqual([NO_SECRETS, own]);
  });

  it.each<[string, PermissionsLimit, string[], RegExp]>([
    [
      'a verb of another entry',
      [WRITE_SRC, { ...READ_DOCS, actions: ['file.write'] }],
      ['permissions[1]'],
      /no single/,
    ],
    ['all verbs', [{ ...READ_DOCS, actions: ['file.*'] }], ['actions.allow', 'permissions[0]'], /not have file\.\*/],
    [
      'a wider path',
      [{ ...READ_DOCS, resources: [file('**')] }],
      ['permissions[0]', 'resources'],
      /not cover file \*\*/,
    ],
  ])('is refused for %s with the entry and the reason', (_what, permissions, paths, why) => {
    const { code, reasons = [] } = refused(resolveChild({ permissions }, parent, NOW));
    expect(code).toBe('GRANT_WIDENS_PARENT');
    expect(reasons.map((each) => each.path).sort()).toEqual(paths);
    expect(reasons.find((each) => each.path?.startsWith('permissions'))?.message).toMatch(why);
  });

  it('is refused for a mode above that of its parent’s entry', () => {
    const proposing = must(root({ permissions: [{ ...WRITE_SRC, mode: 'propose' }] }));
    expect(refused(resolveChild({ permissions: [WRITE_SRC] }, proposing, NOW)).reasons).toMatchObject([
      { path: 'permissions[0]', message: expect.stringContaining('may only propose') as string },
    ]);
    expect(must(resolveChild({ permissions: [{ ...WRITE_SRC, mode: 'draft' }] }, proposing, NOW))).toBeDefined();
  });

  it('may have any permissions inside the envelope of a parent without them', () => {
    const { permissions: _, ...plain } = parent;
    const limits = must(resolveChild({ permissions: [{ ...READ_DOCS, actions: ['file.write'] }] }, plain, NOW));
    expect(limits.actions.allow).toEqual(['file.write']);
    expect(refused(resolveChild({ permissions: [NO_SECRETS] }, plain, NOW)).code).toBe('GRANT_WIDENS_PARENT');
  });
});

describe('an escalation of a lease with permissions', () => {
  const held = must(root({ permissions: [READ_DOCS], deny: [NO_SECRETS] }));
  const raise = (old: Limits, want: GrantRequest) => widened(old, want, tenantDefaults(NOW), NOW);

  it('adds entries, widens the envelope for them and keeps the pairs', () => {
    expect(must(raise(held, { permissions: [WRITE_SRC] }))).toMatchObject({
      actions: { allow: ['file.read', 'file.write'] },
      resources: [file('docs/**'), file('src/**')],
      permissions: [READ_DOCS, WRITE_SRC],
      deny: [NO_SECRETS],
    });
  });

  it('keeps what a lease without permissions may do as one entry', () => {
    const plain = must(root({ actions: { allow: ['file.read'] }, resources: [file('docs/**')] }));
    expect(must(raise(plain, { permissions: [WRITE_SRC] })).permissions).toEqual([READ_DOCS, WRITE_SRC]);
  });

  it('is refused if it names verbs that no entry would have, or another pair', () => {
    expect(refused(raise(held, { actions: { allow: ['file.write'] } })).detail).toContain('grant.permissions');
    expect(refused(raise(held, { deny: [{ ...NO_SECRETS, resources: [file('docs/**')] }] })).code).toBe(
      'ESCALATION_NARROWS',
    );
  });
});
