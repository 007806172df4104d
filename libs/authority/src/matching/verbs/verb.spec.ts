import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { matchesVerb, normalizeVerb, normalizeVerbPattern } from './verb';

fc.configureGlobal({ seed: 20260101 });

const verbOf = (text: string): string | undefined => {
  const result = normalizeVerb(text);
  return result.ok ? result.value : undefined;
};

describe('the one spelling of a verb', () => {
  it.each([
    ['secret.read', 'secret.read'],
    ['Secret.READ', 'secret.read'],
    ['  secret.read ', 'secret.read'],
    ['\uff53ecret.read', 'secret.read'],
    ['secret\uff0eread', 'secret.read'],
    ['\u212aey.read', 'key.read'],
    ['pull_request.create', 'pull_request.create'],
    ['deploy', 'deploy'],
  ])('%j is %s', (text, verb) => {
    expect(verbOf(text)).toBe(verb);
  });

  it.each([
    '',
    ' ',
    '.',
    'secret.',
    '.read',
    'secret..read',
    'secret. read',
    'secret\tread',
    'secret.read\n',
    'secret.read\u0000',
    'secret.\u200bread',
    'secret.re\u00adad',
    '\u202esecret.read',
    's\u0435cret.read', // Cyrillic е
    'secret.r\u0131ead', // dotless i
    'SECRET.\u0130NFO', // I with a dot, which lower case takes apart
    'secret/read',
    'secret\\read',
    'secret%2eread',
    'secret%2fread',
    '../secret.read',
    'secret.*',
    '*',
    '**',
    'secret.re*d',
    'secret:read',
    `${'a'.repeat(LIMITS.segmentLength + 1)}.read`,
    'a.'.repeat(LIMITS.segmentsPerPattern) + 'a',
    'a'.repeat(LIMITS.nameLength + 1),
  ])('refuses %j', (text) => {
    expect(verbOf(text)).toBeUndefined();
  });

  it('is its own normal form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const verb = verbOf(text);
        if (verb !== undefined) expect(verbOf(verb)).toBe(verb);
      }),
    );
  });
});

describe('a verb pattern', () => {
  it.each([
    ['production.*', 'production.deploy', true],
    ['production.*', 'production.db.drop', true],
    ['production.*', 'production', false],
    ['production.**', 'production', true],
    ['*.delete', 'file.delete', true],
    ['*.delete', 'repo.branch.delete', false],
    ['**.delete', 'repo.branch.delete', true],
    ['repo.*.create', 'repo.branch.create', true],
    ['repo.*.create', 'repo.create', false],
    ['*', 'deploy', true],
    ['*', 'a.b.c', true],
    ['secret.read', 'secret.read', true],
    ['secret.read', 'secret.reader', false],
  ])('%s on %s: %s', (pattern, verb, matches) => {
    expect(normalizeVerbPattern(pattern)).toEqual({ ok: true, value: pattern });
    expect(matchesVerb(pattern, verb)).toBe(matches);
  });

  it.each(['repo.re*', 'repo.***', '', 'repo..*', 'repo/*'])('refuses %j', (text) => {
    expect(normalizeVerbPattern(text).ok).toBe(false);
  });

  it('denies every spelling that normalizes to a denied verb', () => {
    const spellings = [...'secret.read'].map((char) =>
      char === '.'
        ? fc.constantFrom('.', '\uff0e')
        : fc.constantFrom(char, char.toUpperCase(), String.fromCodePoint(char.charCodeAt(0) + 0xfee0)),
    );
    fc.assert(
      fc.property(fc.tuple(...spellings), (chars) => {
        const verb = verbOf(chars.join(''));
        expect(verb === undefined || matchesVerb('secret.*', verb)).toBe(true);
      }),
    );
  });
});
