import fc from 'fast-check';
import { AS_WRITTEN, CONFUSABLES } from './confusables';
import { foldSpaces, lookAlikeFault, looksLike, marked, nameKey, nameKeys } from './look-alike';

fc.configureGlobal({ seed: 20260101 });

describe('look-alike names', () => {
  it.each([
    ['qbot', 'qb\u043et'],
    ['qbot', 'QB\u041eT'],
    ['qbot', '\u051bb\u043et'],
    ['qbot', '\uff51\uff42\uff4f\uff54'],
    ['qbot', 'q\u200bbot'],
    ['qbot', 'q\u00adbot'],
    ['qbot', 'qbot\ufe0f'],
    ['qbot', '\u{1d45e}bot'],
    ['qbot', ' qbot\u3000'],
    ['qbot', 'qb\u03bft'],
    ['qbot', 'qb\u0585t'],
    ['coc', '\u0441\u043e\u0441'],
    ['paypal', '\u0440\u0430\u0443\u0440\u0430\u04cf'.replace('\u04cf', 'l')],
    ['scope', '\u0455\u0441\u043e\u0440\u0435'],
    ['deploy tool', 'deploy  tool'],
    ['deploy tool', 'deploy\u00a0tool'],
    ['deploy tool', 'deploy \u2009 tool'],
    ['deploy tool', 'Deploy\u3000Tool'],
    ['deploy-tool', 'deploy\u2010tool'],
    ['deploy-tool', 'deploy\u2212tool'],
    ['a/b', 'a\u2215b'],
    ['a:b', 'a\u2236b'],
    ['\u0438\u0432\u0430\u043d', '\u0418\u0412\u0410\u041d'],
    ['caf\u00e9', 'cafe\u0301'],
  ])('gives %j and %j the same key', (one, other) => {
    expect(nameKey(other)).toBe(nameKey(one));
  });

  it.each([
    ['qbot', 'qb0t'],
    ['worker-1', 'worker-l'],
    ['a b', 'ab'],
    ['qbot', 'qb\u00f3t'],
    ['a_b', 'a-b'],
    ['\u0438\u0432\u0430\u043d', 'ivan'],
  ])('gives %j and %j different keys', (one, other) => {
    expect(nameKey(other)).not.toBe(nameKey(one));
  });

  it.each([
    ['qb\u043et', /Cyrillic and Latin.*U\+043E CYRILLIC SMALL LETTER O/],
    ['q\u0412ot', /U\+0412 CYRILLIC CAPITAL LETTER VE/],
    ['qb\u03bft', /Greek and Latin/],
    ['qb\u0585t', /Armenian and Latin/],
    ['\u03b1\u0431\u0432', /Cyrillic and Greek/],
    ['user:\u0438\u0432\u0430\u043d qb\u043et', /Cyrillic and Latin/],
    ['\u0441\u043e\u0441', /reads like "coc"/],
    ['user:\u0441\u043e\u0441', /reads like "user:coc"/],
    ['qbot-\u0430', /reads like "qbot-a"/],
    ['deploy\u2010tool', /reads like "deploy-tool".*U\+2010 HYPHEN/],
    ['\uff51bot', /reads like "qbot"/],
    ['qbot\ufe0f', /reads like "qbot"/],
    ['q\u115fbot', /reads like|mixes/],
    ['\u13aaOT', /Cherokee/],
    ['sc\u0261', /reads like "scg"/],
  ])('refuses %j as a new name', (name, why) => {
    expect(lookAlikeFault(name)).toMatch(why);
  });

  it.each([
    'qbot',
    'Runner 7',
    'deploy  tool',
    'deploy\u00a0tool',
    'user:\u0438\u0432\u0430\u043d@example.com',
    '\u0440\u0430\u0431\u043e\u0442\u0430 \u0441 \u043f\u043e\u0447\u0442\u043e\u0439',
    'caf\u00e9-bot',
    '\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8',
    'LINE\u30dc\u30c3\u30c8',
    '\ud55c\uad6d\uc5b4bot',
    '\u03b1\u03b2\u03b3\u03b4-\u03ba\u03cc\u03c3\u03bc\u03bf\u03c2',
    '\u05e9\u05dc\u05d5\u05dd',
    'm\u00fcller',
  ])('accepts the name %j', (name) => {
    expect(lookAlikeFault(name)).toBeUndefined();
  });

  it('marks unusual characters of a name, and leaves a plain name unchanged', () => {
    expect(marked('qbot')).toBe('qbot');
    expect(marked('qb\u043et')).toBe('qb\u043et [contains U+043E CYRILLIC SMALL LETTER O]');
    expect(marked('caf\u00e9')).toBe('caf\u00e9 [contains U+00E9 of Latin]');
    expect(marked('a\u00a0b')).toBe('a\u00a0b [contains U+00A0 a space]');
    expect(marked('\u0438\u0432\u0430\u043d')).toMatch(
      /U\+0438 of Cyrillic, U\+0432 CYRILLIC SMALL LETTER VE, .*, 1 more\]$/,
    );
    expect(marked('“ok” – it’s fine…')).toBe('“ok” – it’s fine…');
  });

  it('folds white space to single spaces', () => {
    expect(['a  b', ' a\u00a0 b\u3000', 'a b', 'a\t\nb'].map(foldSpaces)).toEqual(Array(4).fill('a b'));
  });

  it('refuses every plain name with one letter replaced by a look-alike, and keeps its key (property)', () => {
    const byLetter = new Map<string, string[]>();
    for (const [char, { reads }] of CONFUSABLES) byLetter.set(reads, [...(byLetter.get(reads) ?? []), char]);
    const letters = [...byLetter.keys()].filter((each) => /[a-z]/.test(each));
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...letters), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        (word, at, which) => {
          const i = at % word.length;
          const alike = byLetter.get(word[i]!)!;
          const disguised = word.map((each, j) => (j === i ? alike[which % alike.length]! : each)).join('');
          expect(nameKey(disguised)).toBe(word.join(''));
          expect(nameKey(disguised.toUpperCase())).toBe(nameKey(disguised));
          expect(lookAlikeFault(disguised)).toBeDefined();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['hope', '\u0397\u039f\u03a1\u0395'],
    ['none', '\u039d\u039f\u039d\u0395'],
    ['my', '\u039c\u03a5'],
    ['v', '\u03bd'],
    ['coo', '\u03f2\u03bf\u03bf'],
    ['xope', '\u0445\u043e\u0440\u0435'],
    ['pace', '\u0420\u0410\u0421\u0415'],
    ['hook', '\u{1d5db}\u{1d5e2}\u{1d5e2}\u{1d5de}'],
    ['hook', '\uff28\uff2f\uff2f\uff2b'],
    ['soul', '\u054f\u0555\u054d\u053c'],
    ['bag', '\u13f4\u13aa\u13f3'],
    ['\u03bd\u03ad\u03b1', '\u039d\u0388\u0391'],
    ['\u03b7\u03bc\u03ad\u03c1\u03b1', '\u0397\u039c\u0388\u03a1\u0391'],
  ])('finds that %j looks like %j, in lower case or as written', (one, other) => {
    expect([looksLike(one, other), looksLike(other, one)]).toEqual([true, true]);
    if (/^[a-z]/.test(one))
      expect([lookAlikeFault(other), marked(other)]).toEqual([
        expect.stringContaining('reads like'),
        expect.stringContaining('[contains U+'),
      ]);
  });

  it('reads every listed letter as it looks, in every name (property)', () => {
    const listed = [...CONFUSABLES, ...AS_WRITTEN].filter(([, { reads }]) => /[a-z]/.test(reads));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...listed), { minLength: 1, maxLength: 8 }), (letters) => {
        const name = letters.map(([char]) => char).join('');
        const reads = letters.map(([, each]) => each.reads).join('');
        expect(nameKeys(name)).toContain(reads);
        expect([lookAlikeFault(name), marked(name)]).toEqual([expect.any(String), expect.stringContaining('U+')]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('maps a key to itself, and no plain name to another (property)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), (name) => {
        expect(nameKey(nameKey(name))).toBe(nameKey(name));
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{1,12}$/), (name) => {
        expect(nameKey(name)).toBe(name.toLowerCase());
        expect(lookAlikeFault(name)).toBeUndefined();
        expect(marked(name)).toBe(name);
      }),
    );
  });
});
