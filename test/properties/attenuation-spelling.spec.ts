import { posix } from 'node:path';
import fc from 'fast-check';
import { actions } from '@bailiwick/authority/dimensions/actions';
import { resources } from '@bailiwick/authority/dimensions/resources';
import type { ActionFacts, Situation } from '@bailiwick/authority/dimensions/dimension';
import { normalizePathPattern, normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { normalizeVerb, normalizeVerbPattern } from '@bailiwick/authority/matching/verbs/verb';
import { emptyUsage } from '@bailiwick/authority/state/usage';
import { NOW } from './generated-limits';

fc.configureGlobal({ seed: 20260101 });

const SITUATION: Situation = {
  usage: emptyUsage({ calls: 9, reads: 9, writes: 9, external: 9, cost: {}, windows: [] }),
  drift: 0,
  stages: true,
  leaf: true,
};
const action = (verb: string, id: string): ActionFacts => ({
  verb,
  tool: undefined,
  effect: 'write',
  risk: 'low',
  stage: 'execute',
  resource: { type: 'file', id, attributes: {} },
  cost: {},
  agentClass: 'x',
  declaredPosture: {},
  currentPosture: undefined,
  proof: { vouched: true },
});

/** Reads a verb as a lenient tool behind the gateway might: drops invisible characters, decodes, folds case. */
function takenFor(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/%2e/gi, '.')
    .replace(/%2f/gi, '/')
    .replace(/[\p{Cc}\p{Cf}\s]/gu, '')
    .toLowerCase()
    .split(/[./\\]+/)
    .filter((segment) => segment !== '')
    .join('.');
}

const mostly = (plain: string, ...odd: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const fullWidth = (char: string): string => String.fromCodePoint(char.charCodeAt(0) + 0xfee0);

/** Disguises a few characters of a verb in any known way. */
const disguised = (verb: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      ...[...verb].map((char) =>
        char === '.'
          ? mostly('.', '..', '\uff0e', '%2e', '/', '.\u200b', ' .')
          : mostly(char, char.toUpperCase(), fullWidth(char), `${char}\u00ad`),
      ),
      mostly('', ' ', '.', '/', '\u0000', '\t'),
    )
    .map((parts) => parts.join(''));

describe('a denied verb', () => {
  const DENIED = ['secret.read', 'production.*', '*.escalate'].map((text) => {
    const pattern = normalizeVerbPattern(text);
    if (!pattern.ok) throw new Error(pattern.error);
    return pattern.value;
  });
  const limit = { allow: ['**'], deny: DENIED, mode: 'execute' as const };
  const victims = fc.constantFrom('secret.read', 'production.deploy', 'production.db.drop', 'role.escalate');

  const isNeverPermitted = (normalize: typeof normalizeVerb, tally = { refused: 0, denied: 0 }) =>
    fc.property(
      victims.chain((victim) => fc.tuple(fc.constant(victim), disguised(victim))),
      ([victim, text]) => {
        const verb = normalize(text);
        if (!verb.ok) {
          tally.refused += 1;
          return;
        }
        if (takenFor(text) !== victim) return;
        tally.denied += 1;
        expect(actions.admits(limit, action(verb.value, 'a'), SITUATION, NOW).outcome).toBe('deny');
      },
    );

  it('is denied or refused in every disguise that a tool could undo', () => {
    const tally = { refused: 0, denied: 0 };
    fc.assert(isNeverPermitted(normalizeVerb, tally), { numRuns: 4_000 });
    expect(Math.min(tally.refused, tally.denied)).toBeGreaterThan(300);
  });

  it.each<[string, typeof normalizeVerb]>([
    ['keeps the case', (text) => ({ ok: true, value: text.normalize('NFKC') })],
    ['folds no compatibility forms', (text) => ({ ok: true, value: text.toLowerCase() })],
    [
      'accepts invisible characters',
      (text) =>
        normalizeVerb(text.replace(/\u00ad/g, '')).ok
          ? { ok: true, value: text.normalize('NFKC').toLowerCase() }
          : normalizeVerb(text),
    ],
  ])('would be permitted by a normalization that %s', (_, broken) => {
    expect(fc.check(isNeverPermitted(broken), { numRuns: 4_000, endOnFailure: true }).failed).toBe(true);
  });
});

describe('a path outside the allowed folder', () => {
  const ALLOWED = ['work/**', 'docs/*'].map((text) => {
    const pattern = normalizePathPattern(text);
    if (!pattern.ok) throw new Error(pattern.error);
    return { type: 'file', match: pattern.value };
  });
  const segment = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('work', 'docs', 'x') },
    {
      weight: 2,
      arbitrary: fc.constantFrom('etc', '..', '.', '%2e%2e', '\u2025', '\uff0e\uff0e', '..\u200b', ' ..', ''),
    },
  );
  const separator = mostly('/', '%2F', '%5c', '\\', '\uff0f', '%252f', '//', '\u0000/');
  const hostile = fc
    .array(fc.tuple(separator, segment), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.flat().slice(1).join(''));

  /** Resolves a path as a file system, or a server that decodes and folds, would. */
  function reached(text: string): string {
    const decoded = text
      .normalize('NFKC')
      .replace(/%25/g, '%')
      .replace(/%2e/gi, '.')
      .replace(/%2f/gi, '/')
      .replace(/%5c/gi, '/');
    return posix.normalize(decoded.replace(/\\/g, '/').replace(/[\p{Cc}\p{Cf}]/gu, '')).replace(/\/$/, '');
  }

  const staysInside = (normalize: typeof normalizeResourceId, tally = { refused: 0, permitted: 0 }) =>
    fc.property(hostile, (text) => {
      const id = normalize(text);
      if (!id.ok) {
        tally.refused += 1;
        return;
      }
      if (resources.admits(ALLOWED, action('x.y', id.value), SITUATION, NOW).outcome !== 'permit') return;
      tally.permitted += 1;
      expect(reached(text)).toMatch(/^(work(\/.*)?|docs\/[^/]+)$/);
    });

  it('is never reached, however the path is spelled', () => {
    const tally = { refused: 0, permitted: 0 };
    fc.assert(staysInside(normalizeResourceId, tally), { numRuns: 10_000 });
    expect(Math.min(tally.refused, tally.permitted)).toBeGreaterThan(300);
  });

  it.each<[string, (text: string) => string]>([
    ['returns the path unchanged', (text) => text],
    [
      'only drops empty segments',
      (text) =>
        text
          .split('/')
          .filter((segment) => segment !== '')
          .join('/'),
    ],
    ['checks dots but not their encodings', (text) => (/(^|\/)\.\.(\/|$)/.test(text) ? '' : text)],
  ])('would be reached with a normalization that %s', (_, broken) => {
    const rule: typeof normalizeResourceId = (text) => ({ ok: true, value: broken(text) });
    expect(fc.check(staysInside(rule), { numRuns: 10_000, endOnFailure: true }).failed).toBe(true);
  });
});
