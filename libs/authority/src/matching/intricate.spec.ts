import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { includes } from './inclusion';
import { resolveChild, resolveRoot, tenantDefaults } from '../commands/grants/resolve';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const stars = (n: number, end: string): string => [...Array.from({ length: n }, () => '*'), end].join('/');
const files = (count: number, wildcards: number, name: string): GrantRequest['resources'] =>
  Array.from({ length: count }, (_, i) => ({ type: 'file', match: stars(wildcards, `${name}${i}`) }));
const root = (grant: GrantRequest) => resolveRoot(grant, tenantDefaults(NOW), NOW);

/** Bounds the cost of comparing a grant: a tenant must not stop the thread that it shares (issue 13.25). */
describe('an intricate grant', () => {
  it.each<[string, GrantRequest, RegExp]>([
    ['64 patterns of 30 stars', { resources: files(64, 30, 'x') }, /has 30 wildcards and may have 8; use one \*\*/],
    ['one pattern of nine', { resources: files(1, 9, 'x') }, /has 9 wildcards/],
    ['a verb of nine', { actions: { allow: ['*.*.*.*.*.*.*.*.*.x'] } }, /has 9 wildcards/],
    ['a denial of nine', { actions: { deny: ['*.*.*.*.*.*.*.*.*.x'] } }, /has 9 wildcards/],
    [
      '** between literals',
      { resources: [{ type: '*', match: '**/a/**/b/**/c/**/d/**/e/**/f/**/g/**/h/**' }] },
      /has 9/,
    ],
    ['many of a few', { resources: files(64, 5, 'x') }, /have 320 wildcards together and may have 256/],
    [
      'two lists together',
      { actions: { allow: verbs(40, 4) }, resources: files(40, 4, 'x') },
      /320 wildcards together/,
    ],
  ])('is refused with instructions: %s', (_what, grant, detail) => {
    const refused = root(grant);
    expect(refused.ok ? 'issued' : refused.error.detail).toMatch(detail);
  });

  it('is issued up to the limits', () => {
    expect(root({ resources: files(1, 8, 'x') }).ok).toBe(true);
    expect(root({ resources: files(64, 4, 'x') }).ok).toBe(true);
    expect(root({ actions: { allow: verbs(64, 1), deny: verbs(64, 1) }, resources: files(64, 2, 'x') }).ok).toBe(true);
  });

  it('is compared with a bounded amount of work, beyond which it is refused', () => {
    const parent = root({ resources: files(64, 4, 'x') });
    if (!parent.ok) throw new Error(parent.error.detail);
    const child = resolveChild({ resources: files(64, 4, 'y') }, parent.value, NOW);
    expect(child.ok).toBe(false);
    const work = { left: LIMITS.inclusionWork };
    for (let i = 0; i < 10_000 && work.left >= 0; i++) includes([['**', 'a', '**', 'b', '**']], ['*', '**', 'a'], work);
    expect(work.left).toBeLessThan(0);
    expect(includes([['**']], ['a'], work)).toBe(false);
    // the steps of the comparison are charged, not only its preparation
    const once = { left: LIMITS.inclusionWork };
    includes([['**', 'a', '**', 'b', '**']], ['*', '**', 'a'], once);
    const preparation = 1 + 4 * (5 + 3);
    expect(LIMITS.inclusionWork - once.left).toBeGreaterThan(preparation);
  });

  it('leaves room for 64 repositories that a child narrows one by one', () => {
    const of = (end: string) => Array.from({ length: 64 }, (_, i) => ({ type: 'file', match: `acme/r${i}/${end}` }));
    const parent = root({ resources: of('**') });
    if (!parent.ok) throw new Error(parent.error.detail);
    expect(resolveChild({ resources: of('src/**') }, parent.value, NOW).ok).toBe(true);
  });
});

function verbs(count: number, wildcards: number): string[] {
  return Array.from({ length: count }, (_, i) => [...Array.from({ length: wildcards }, () => '*'), `v${i}`].join('.'));
}
