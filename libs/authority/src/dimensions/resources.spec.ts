import type { Selector } from '@bailiwick/contracts/grants/grant';
import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { resources } from './resources';

const on = (match: string, where?: Selector['where'], type = 'repo'): Selector =>
  where ? { type, match, where } : { type, match };
const but = (match: string, ...except: string[]): Selector => ({ type: 'repo', match, except });
const ask = (
  limit: Selector[],
  id: string,
  attributes: Record<string, string | number | boolean> = {},
  type = 'repo',
) => verdictText(resources.admits(limit, facts({ resource: { type, id, attributes } }), situation(), NOW));
const inside = { sensitivity: { in: ['public', 'internal'] } };
const NO = 'deny RESOURCE_NOT_ALLOWED';

describe('resources', () => {
  it.each([
    [[on('acme/**')], 'acme/clord/x', {}, 'permit'],
    [[on('acme/**')], 'other/x', {}, NO],
    [[], 'acme/x', {}, NO],
    [[on('a'), on('b')], 'b', {}, 'permit'],
    [[on('acme/**', inside)], 'acme/x', { sensitivity: 'public' }, 'permit'],
    [[on('acme/**', inside)], 'acme/x', { sensitivity: 'secret' }, NO],
    [[on('acme/**', inside)], 'acme/x', {}, NO], // a missing attribute satisfies no condition
    [[on('acme/**', { amount: { lte: 10 } })], 'acme/x', { amount: '5' }, NO],
    [[on('acme/**', { a: { eq: 1 }, b: { eq: 2 } })], 'acme/x', { a: 1 }, NO],
    [[on('acme/**', { a: { eq: 1 }, b: { eq: 2 } })], 'acme/x', { a: 1, b: 2 }, 'permit'],
    [[on('acme/**', { constructor: { prefix: '' } })], 'acme/x', {}, NO],
    [[but('src/**', 'src/secret/**')], 'src/app.ts', {}, 'permit'],
    [[but('src/**', 'src/secret/**')], 'src/secret', {}, NO],
    [[but('src/**', 'src/secret/**')], 'src/secret/key', {}, NO],
    [[but('src/**', 'src/secret/**'), on('src/secret/readme')], 'src/secret/readme', {}, 'permit'],
    [[but('**', '**/secrets/**', '**/.env')], 'app/SECRETS/key', {}, NO],
    [[but('**', '**/secrets/**', '**/.env')], 'app/secrets./key', {}, NO],
    [[but('**', '**/secrets/**', '**/.env')], 'app/.env::$DATA', {}, NO],
    [[but('**', '**/secrets/**', '**/.env')], 'app/.env.example', {}, 'permit'],
    [[but('**', '**/secrets/**', '**/.env')], 'app/.env::$DATA.', {}, NO],
    [[but('**', '**/secrets/**', '**/.env')], 'app/secrets:$I30:$INDEX_ALLOCATION/key', {}, NO],
    [[but('**', 'stra\u00dfe/**')], 'stra\u1e9ee/x', {}, NO],
    [[but('**', 'team:alpha/**')], 'team:beta/x', {}, 'permit'],
    [[but('**', 'stra\u00dfe/**')], 'STRASSE/x', {}, NO],
    [[but('src/**', '**/.env', '**/*/.env')], 'src/app/.env', {}, NO],
    [[on('docs/*.md')], 'docs/intro.md', {}, 'permit'],
    [[on('docs/*.md')], 'docs/intro.MD', {}, NO],
    [[but('**', '**/*.pem')], 'keys/A.PEM.', {}, NO],
    [[on('**')], '/etc/hosts', {}, NO],
    [[on('**')], 'https://example.com/x', {}, NO],
    [[on('/**')], '/etc/hosts', {}, 'permit'],
    [[on('/**')], 'etc/hosts', {}, NO],
    [[but('/**', '/admin/**')], '/ADMIN/x', {}, NO],
    [[but('/**', 'admin/**')], '/admin/x', {}, 'permit'], // refused when it is issued: it leaves out nothing
    [[on('https://**')], 'http://example.com/x', {}, NO],
    [[but('https://*.example.com/**', 'https://admin.example.com/**')], 'https://admin.example.com/x', {}, NO],
  ])('answers under %j for %s with attributes %j: %s', (limit, id, attributes, verdict) => {
    expect(ask(limit, id, attributes as Record<string, string>)).toBe(verdict);
  });

  it('distinguishes types, and takes * as any type', () => {
    expect(ask([on('**')], 'x', {}, 'file')).toBe(NO);
    expect(ask([on('**', undefined, '*')], 'x', {}, 'file')).toBe('permit');
    expect(ask([on('**')], 'x', {}, '*')).toBe(NO);
  });

  it.each<[child: Selector[], parent: Selector[], wider: boolean]>([
    [[], [], false],
    [[on('a/b')], [], true],
    [[on('a/b/**')], [on('a/**')], false],
    [[on('a/**')], [on('a/b/**')], true],
    [[on('a/**')], [on('a'), on('a/*/**')], false], // a union of paths
    [[on('a/**')], [on('a'), on('a/*/**', undefined, 'file')], true], // of one type
    [[on('a/**')], [on('a'), on('a/*/**', undefined, '*')], false],
    [[on('a', undefined, '*')], [on('a')], true],
    [[on('a/**', inside)], [on('a/**')], false],
    [[on('a/**')], [on('a/**', inside)], true],
    [[on('a/**', { sensitivity: { eq: 'public' } })], [on('a/**', inside)], false],
    [[on('a/**', { sensitivity: { eq: 'secret' } })], [on('a/**', inside)], true],
    [[on('a/**', { sensitivity: { eq: 'public' }, n: { lte: 5 } })], [on('a/**', { ...inside, n: { lte: 9 } })], false],
    [[on('a/**', { n: { lte: 5 } })], [on('a/**', inside)], true], // a condition on another attribute does not constrain this one
    [[but('src/**', 'src/secret/**')], [on('src/**')], false],
    [[on('src/**')], [but('src/**', 'src/secret/**')], true],
    [[on('src/app/**')], [but('src/**', 'src/secret/**')], false],
    [[on('src/*')], [but('src/**', 'src/secret/**')], true], // src/secret
    [[but('src/**', 'src/secret/**')], [but('src/**', 'src/secret/**')], false],
    [[but('src/**', 'src/**/secret/**')], [but('src/**', 'src/secret/**')], false],
    [[but('src/**', 'src/secret/*')], [but('src/**', 'src/secret/**')], true], // src/secret/a/b
    [[on('src/**')], [but('src/**', 'src/secret/**'), on('src/secret/**')], true], // src/SECRET is in neither
    [[on('src/1/**')], [but('src/**', 'src/*/a'), on('src/*/*')], false], // a union
    [[on('src/**')], [but('src/**', 'src/secret/**'), on('src/secret/**', inside)], true],
    [[on('docs/*.md')], [on('docs/**')], false],
    [[on('docs/*.md')], [on('docs/*.txt')], true],
    [[on('docs/*')], [but('docs/*', 'docs/*.key')], true],
    [[but('docs/*', 'docs/*.KEY')], [but('docs/*', 'docs/*.key')], false],
    [[on('/a')], [on('**')], true],
    [[on('a')], [on('/**')], true],
    [[on('/a/**')], [on('/**')], false],
    [[on('/**')], [on('/'), on('/*/**')], false],
    [[on('https://a/**')], [on('**'), on('/**'), on('http://**')], true],
    [[on('https://**')], [on('https://*'), on('https://*/*/**')], false],
    [[on('https://api.example.com/**')], [on('https://*.example.com/**')], false],
    [[on('https://example.com/**')], [on('https://*.example.com/**')], true],
    [[on('https://a/**')], [but('https://**', 'http://a/**')], false],
    [[on('https://a/**')], [but('https://**', 'https://a/b')], true],
    // a union across conditions is refused even if it would cover
    [
      [on('a', inside)],
      [on('a', { sensitivity: { eq: 'public' } }), on('a', { sensitivity: { eq: 'internal' } })],
      true,
    ],
    // covered if the child names each selector
    [
      [on('a', { sensitivity: { eq: 'public' } }), on('a', { sensitivity: { eq: 'internal' } })],
      [on('a', { sensitivity: { eq: 'public' } }), on('a', { sensitivity: { eq: 'internal' } })],
      false,
    ],
    // a union of paths uses only parents whose conditions are implied
    [[on('a/**', { n: { eq: 1 } })], [on('a', { n: { lte: 1 } }), on('a/*/**')], false],
    [[on('a/**', { n: { eq: 1 } })], [on('a', { n: { lte: 0 } }), on('a/*/**')], true],
    [[on('a', { constructor: { prefix: '' } })], [on('a', { toString: { prefix: '' } })], true],
  ])('%j below %j is wider: %s', (child, parent, is) => {
    expect(wider(resources.attenuates(child, parent))).toEqual(is ? ['resources'] : []);
  });

  it('states that unions across conditions are not considered, and names the uncovered selectors', () => {
    const result = resources.attenuates([on('a', inside)], [on('a', { sensitivity: { eq: 'public' } })]);
    expect(result.ok ? '' : result.error[0]?.message).toBe(
      'would reach repo a where sensitivity is one of public, internal, which no selectors of its parent cover under the same conditions' +
        ' (selectors that differ in a condition are not taken together: name one for each)',
    );
  });

  it('compares many selectors with conditions that differ, on paths apart', () => {
    const ids = (i: number) => Array.from({ length: 5 }, (_, k) => `${i}${k}-4e07-4b0c-9a55-3f3b2f2d7a6e`);
    const parent = Array.from({ length: 60 }, (_, i) => on(`p${i}/**`, { owner: { in: ids(i) } }));
    const child = Array.from({ length: 60 }, (_, i) => on(`p${i}/sub/**`, { owner: { in: ids(i).slice(1) } }));
    expect(wider(resources.attenuates(child, parent))).toEqual([]);
  });

  it('states that it gave up if the lists are too intricate', () => {
    const far = (letter: string): string => ['**', letter, ...Array<string>(7).fill('*')].join('/');
    const parent = Array.from({ length: 32 }, (_, i) => on(far(`s${i}`)));
    const child = Array.from({ length: 32 }, (_, i) => on(`x/${far(`s${i}`)}/*`));
    const result = resources.attenuates(child, parent, 0);
    expect(result.ok ? '' : result.error[0]?.message).toMatch(/too intricate to compare completely/);
  });

  it('shows an exception that is not one plain word in quotation marks', () => {
    expect(resources.describe([but('**', 'secrets and keys/**')])).toBe('repo ** except “secrets and keys/**”');
  });

  it('meets pair by pair under the conditions of both', () => {
    expect(
      resources.meet(
        [on('a/**', inside)],
        [on('a/b/**', { sensitivity: { in: ['internal', 'secret'] }, n: { lte: 3 } }, '*')],
      ),
    ).toEqual([on('a/b/**', { sensitivity: { in: ['internal'] }, n: { lte: 3 } })]);
    expect(resources.meet([on('a', { x: { eq: 1 } })], [on('a', { x: { eq: 2 } })])).toEqual([]);
    expect(resources.meet([on('a')], [on('a', undefined, 'file')])).toEqual([]);
    expect(resources.meet([but('a/**', 'a/x')], [but('a/b/**', 'a/b/y')])).toEqual([but('a/b/**', 'a/b/y', 'a/x')]);
    const most = Array.from({ length: 16 }, (_, i) => `a/${i}`);
    expect(resources.meet([but('a/**', ...most)], [but('a/**', 'a/x')])).toEqual([]);
  });

  it('keeps its evidence short whatever the selectors contain', () => {
    const where = Object.fromEntries(
      Array.from({ length: 8 }, (_, i) => [
        `n${i}`,
        { in: Array.from({ length: 64 }, (_, j) => `${'v'.repeat(150)}${j}`) },
      ]),
    );
    const long = Array.from({ length: 64 }, (_, i) => on(`${'a/'.repeat(30)}${i}`, where));
    expect(JSON.stringify(resources.admits(long, facts(), situation(), NOW)).length).toBeLessThan(20_000);
    expect(JSON.stringify(resources.attenuates(long, long.slice(32))).length).toBeLessThan(40_000);
  });
});
