import type { PreviewView } from '@bailiwick/contracts/queries/query';
import fc from 'fast-check';
import { digestOf, grownSince, isKnown, leftIn, readDigest, type Holdings } from './holdings';

const preview = (grants: number, digest = '7.ab'): PreviewView =>
  ({ digest, counts: { grants, pendingApprovals: 0 } }) as PreviewView;
const NOTHING: Holdings = {
  person: 'user:ada@example.com',
  leases: preview(0),
  keys: [],
  standing: [],
  answered: [],
  classes: [],
  approvedLeases: 0,
  issuedKeys: [],
  endedKeys: 0,
  unread: [],
};
const some = <T>(of: (n: number) => T) => fc.uniqueArray(fc.nat(12)).map((all) => all.map(of));
const holdings = fc.record({
  keys: some((n) => ({ id: `key_${n}`, name: `k${n}` })),
  standing: some((n) => ({ id: `apr_0_${n}`, asks: 'x' })),
  answered: some((n) => ({ id: `apr_1_${n}`, asks: 'x' })),
  classes: some((n) => ({ name: `class-${n}`, leases: preview(n, `${n}.${n}`) })),
});

describe('the digest of what belongs to a person', () => {
  it('covers what was shown, however much of it has ended, and nothing else', () => {
    fc.assert(
      fc.property(holdings, holdings, (before, after) => {
        const shown = readDigest(digestOf({ ...NOTHING, ...before }));
        if (!shown) throw new Error('not read');
        const names = (all: readonly { id?: string; name?: string }[]) => all.map(({ id, name }) => id ?? name);
        const fresh = (['keys', 'standing', 'answered', 'classes'] as const).flatMap((part) =>
          names(after[part]).filter((name) => !names(before[part]).includes(name)),
        );
        expect(grownSince({ ...NOTHING, ...after }, shown)).toHaveLength(fresh.length);
        expect(shown.leases).toBe('7.ab');
        for (const { name, leases } of before.classes) expect(shown.classDigest(name)).toBe(leases.digest);
      }),
    );
  });

  it('refuses a text that is no such digest', () => {
    expect([readDigest('7.ab'), readDigest('7.ab~xyz')]).toEqual([undefined, undefined]);
  });
});

describe('what is left', () => {
  it('is empty only if nothing belongs to the person, and all of it is known', () => {
    const stops = { stops: new Set(['bot']) };
    expect(leftIn(NOTHING, stops)).toEqual([]);
    const more: Partial<Holdings>[] = [
      { leases: preview(2) },
      { keys: [{ id: 'key_1', name: 'ada' }] },
      { standing: [{ id: 'apr_0_1', asks: 'x' }] },
      { answered: [{ id: 'apr_0_2', asks: 'x' }] },
      { classes: [{ name: 'other', leases: preview(0) }] },
      { classes: [{ name: 'bot', leases: preview(1) }] },
      { unread: [{ part: 'keys', why: 'needs the role admin' }] },
    ];
    expect(more.map((each) => leftIn({ ...NOTHING, ...each }, stops))).toEqual([
      ['2 leases'],
      ['key ada'],
      ['standing approval apr_0_1'],
      ['answer to apr_0_2'],
      ['class other without another owner'],
      ['1 lease or request of bot'],
      ['keys: not known, needs the role admin'],
    ]);
    expect(leftIn({ ...NOTHING, classes: [{ name: 'bot', leases: preview(0) }] }, stops)).toEqual([]);
  });
});

it('knows a person if anything names them, or if not everything could be read', () => {
  const known: Partial<Holdings>[] = [
    { leases: preview(1) },
    { keys: [{ id: 'key_1', name: 'ada' }] },
    { endedKeys: 1 },
    { answered: [{ id: 'apr_0_2', asks: 'x' }] },
    { approvedLeases: 1 },
    { issuedKeys: ['gus'] },
    { unread: [{ part: 'keys', why: 'needs the role admin' }] },
  ];
  expect(known.map((each) => isKnown({ ...NOTHING, ...each }))).toEqual(known.map(() => true));
  expect(isKnown(NOTHING)).toBe(false);
});
