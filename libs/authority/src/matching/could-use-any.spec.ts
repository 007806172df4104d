import fc from 'fast-check';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { couldUse, couldUseOn } from './could-use';
import { couldUseAny } from './could-use-any';
import { matchesPath } from './pattern';
import { matchesVerb } from './verbs/verb';

fc.configureGlobal({ seed: 20260220 });

const words = (separator: string, letters: readonly string[], most: number): string[] => {
  const all: string[][] = [[]];
  for (const each of all) if (each.length < most) for (const letter of letters) all.push([...each, letter]);
  return all.filter((each) => each.length > 0).map((each) => each.join(separator));
};
const VERBS = words('.', ['a', 'b'], 4);
const IDS = [...words('/', ['a', 'b', 'ab'], 3), '/a', '/b/a'];

const patternOf = (separator: string, segments: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...segments), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(separator));
const verb = patternOf('.', ['a', 'b', '*', '**']);
const path = fc
  .tuple(fc.constantFrom('', '', '', '', '', '/'), patternOf('/', ['a', 'b', '*', 'a*', '**']))
  .map((parts) => parts.join(''));
const type = fc.constantFrom('file', 'repo', '*');
const resource = fc.record({ type, match: path });
const several = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: 2 });

const limitsOf = fc
  .record({
    allow: several(verb),
    deny: fc.array(verb, { maxLength: 1 }),
    resources: several(resource),
    except: fc.option(several(path), { nil: undefined, freq: 2 }),
    entry: fc.option(fc.record({ actions: several(verb), resources: several(resource) }), { nil: undefined, freq: 2 }),
    pair: fc.option(fc.record({ actions: several(verb), resources: several(resource) }), { nil: undefined, freq: 2 }),
  })
  .map(
    ({ allow, deny, resources, except, entry, pair }) =>
      ({
        actions: { allow, deny, mode: 'execute' },
        resources: resources.map((each) => ({ ...each, ...(except ? { except } : {}) })),
        ...(entry ? { permissions: [entry] } : {}),
        ...(pair ? { deny: [pair] } : {}),
      }) as Limits,
  );

/** Tries every short verb on every short name. */
const canDo = (limits: Limits, wanted: { verb: string; resource: { type: string; match: string } }): boolean =>
  VERBS.some(
    (each) =>
      matchesVerb(wanted.verb, each) &&
      couldUse(limits, each) &&
      IDS.some(
        (id) =>
          matchesPath(wanted.resource.match, id) &&
          ['file', 'repo'].some(
            (kind) =>
              (wanted.resource.type === '*' || wanted.resource.type === kind) &&
              couldUseOn(limits, each, { type: kind, id }),
          ),
      ),
  );

describe('couldUseAny', () => {
  it('finds every lease that could use a verb of the pattern on a resource of the pattern', () => {
    let [could, couldNot] = [0, 0];
    const wanted = fc.record({ verb, resource });
    fc.assert(
      fc.property(limitsOf, wanted, (limits, asked) => {
        const can = canDo(limits, asked);
        if (can) expect(couldUseAny(limits, asked)).toBe(true);
        if (!couldUseAny(limits, asked)) couldNot += 1;
        could += can ? 1 : 0;
      }),
      { numRuns: 800 },
    );
    expect(Math.min(could, couldNot)).toBeGreaterThan(50);
  });

  it('spares a lease that leaves out all that is wanted', () => {
    const limits = {
      actions: { allow: ['**'], deny: ['deploy.*'], mode: 'execute' },
      resources: [{ type: 'repo', match: 'acme/**', except: ['acme/private/**'] }],
    } as Limits;
    expect(couldUseAny(limits, { verb: 'deploy.run' })).toBe(false);
    expect(couldUseAny(limits, { verb: 'deploy.*' })).toBe(false);
    expect(couldUseAny(limits, { verb: '*.run' })).toBe(true);
    expect(couldUseAny(limits, { resource: { type: 'repo', match: 'acme/private/keys/**' } })).toBe(false);
    expect(couldUseAny(limits, { resource: { type: 'repo', match: 'acme/**' } })).toBe(true);
    expect(couldUseAny(limits, { resource: { type: 'file', match: 'acme/**' } })).toBe(false);
    expect(couldUseAny(limits, { resource: { type: 'repo', match: '/acme/**' } })).toBe(false);
  });

  it('does not spare a lease for a denial of every relative name, if it covers others', () => {
    const deny = [{ actions: ['deploy.*'], resources: [{ type: '*', match: '**' }] }];
    const limits = (...matches: string[]) =>
      ({
        actions: { allow: ['**'], deny: [], mode: 'execute' },
        resources: matches.map((match) => ({ type: 'file', match })),
        deny,
      }) as unknown as Limits;
    for (const could of [
      (of: Limits) => couldUse(of, 'deploy.run'),
      (of: Limits) => couldUseAny(of, { verb: 'deploy.*' }),
    ]) {
      expect(could(limits('**', '/srv/**'))).toBe(true);
      expect(could(limits('https://x.example/**'))).toBe(true);
      expect(could(limits('**', 'docs/*'))).toBe(false);
    }
  });

  it('in doubt takes types of resources that look alike for one, and does not if it must be certain', () => {
    const limits = {
      actions: { allow: ['**'], deny: [], mode: 'execute' },
      resources: [{ type: 'repo', match: 'acme/**' }],
    } as unknown as Limits;
    const wanted = { resource: { type: 'Repo', match: 'acme/**' } };
    expect(couldUseAny(limits, wanted)).toBe(true);
    expect(couldUseAny(limits, wanted, (one, other) => one === other)).toBe(false);
  });
});
