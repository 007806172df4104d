import fc from 'fast-check';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { checkBundle, type BundleFiles } from './bundle';
import { problemText, type Problem } from './problem';

fc.configureGlobal({ seed: 20260301 });

const ENTRY = '  - match: [mail.send]\n    effects: [external]\n    risk: medium\n';
const one = (text: string): BundleFiles => ({ 'a.yaml': text });
const problemsOf = (files: BundleFiles): Problem[] => {
  const checked = checkBundle(files);
  return checked.ok ? [] : checked.error;
};
const textsOf = (text: string): string[] => problemsOf(one(text)).map(problemText);
function valueOf(files: BundleFiles) {
  const checked = checkBundle(files);
  if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
  return checked.value;
}

describe('a policy bundle', () => {
  it('is the sections of all files, joined in the order of their names', () => {
    const b = 'catalog:\n  - match: [chat.post]\n    effects: [external]\n    risk: medium\n';
    const { value, canonical, digest } = valueOf({ 'b.yaml': b, 'a.yaml': `catalog:\n${ENTRY}` });
    expect(value.catalog?.map(({ match }) => match)).toEqual([['mail.send'], ['chat.post']]);
    expect(digest).toBe(canonicalDigest(value));
    expect(JSON.parse(canonical)).toEqual(value);
  });

  it('has the same digest however its files are written', () => {
    const flow = '# a comment\r\ncatalog: [{ risk: "medium", effects: [external], match: [ "mail.send" ] }]\r\n';
    expect(valueOf(one(flow)).digest).toBe(valueOf(one(`catalog:\n${ENTRY}`)).digest);
    expect(valueOf({ ...one(flow), 'b.yaml': '# nothing here\n' }).digest).toBe(valueOf(one(flow)).digest);
    expect(valueOf(one(flow.replace('medium', 'high'))).digest).not.toBe(valueOf(one(flow)).digest);
  });

  it('may be empty', () => {
    expect(valueOf(one('')).value).toEqual({});
    expect(valueOf(one('catalog: []\n')).value).toEqual({});
  });

  it('reports every problem of all files, in order', () => {
    const files = {
      'b.yaml': 'catalog:\n  - match: [a.b]\n    effects: [sends]\n    risk: lo\n',
      'a.yaml': 'catalog:\n  - match: [c.d]\n    effects: [read]\n',
    };
    expect(problemsOf(files).map(problemText)).toEqual([
      'a.yaml:2:5: catalog.0.risk: the member risk is missing',
      'b.yaml:3:15: catalog.0.effects.0: must be one of read, write, exec, external, and is "sends"',
      'b.yaml:4:11: catalog.0.risk: must be one of low, medium, high, irreversible, and is "lo"; did you mean low?',
    ]);
  });

  it('reports at most a fixed number of problems, and counts the others', () => {
    const broken = '  - match: [a.b]\n    effects: []\n    risk: low\n'.repeat(LIMITS.policy.problems + 50);
    const problems = problemsOf(one(`catalog:\n${broken}`));
    expect(problems).toHaveLength(LIMITS.policy.problems);
    expect(problems.at(-1)?.message).toBe('51 more problems, from here on');
  });

  it.each([
    [
      'unknown: []',
      [
        'a.yaml:1:1: unknown: unknown section unknown; known are catalog, agents, rules, approvals, responders, conditions, subjects, tests',
      ],
    ],
    [
      'catalg: []',
      [
        'a.yaml:1:1: catalg: unknown section catalg; known are catalog, agents, rules, approvals, responders, conditions, subjects, tests; did you mean catalog?',
      ],
    ],
    [
      'approvals: []',
      [
        'a.yaml:1:1: approvals: without a rule no person could approve anything; leave approvals out if each approver may approve',
      ],
    ],
    ['catalog: x', ['a.yaml:1:1: catalog: a section is a list of entries']],
    [
      '- x',
      [
        'a.yaml:1:1: a file is a mapping of the sections catalog, agents, rules, approvals, responders, conditions, subjects, tests',
      ],
    ],
  ])('refuses the file %j', (text, problems) => {
    expect(textsOf(text)).toEqual(problems);
  });

  it.each([
    ['an anchor', 'catalog: &a []', '1:13', 'is an anchor'],
    ['an alias', 'a: &a [1]\ncatalog: *a', '2:10', 'is an alias'],
    ['a tag', 'catalog: !!seq []', '1:16', 'is a tag'],
    ['a tag that nothing defines', 'catalog: !x []', '1:13', 'is a tag'],
    ['a merge key', 'catalog:\n  - <<: {}\n', '2:5', 'is a merge key'],
    ['a name that occurs twice', 'catalog: []\ncatalog: []', '2:1', 'catalog occurs twice'],
    ['a second document', 'catalog: []\n---\ncatalog: []', '2:1', 'starts a second document'],
    ['a directive', '%YAML 1.1\n---\ncatalog: []', '1:1', 'the directive %YAML 1.1 is not read'],
    ['a tab as indentation', 'catalog:\n\t- x', '2:1', 'ab'],
    ['a number as a name', '1: []', '1:1', 'a name must be a text'],
    ['a list as a name', '[a]: []', '1:1', 'a name must be a text'],
    ['a name of JavaScript', '__proto__: []', '1:1', 'cannot be a name'],
    ['a number beyond the exact ones', 'catalog: 12345678901234567890', '1:10', 'cannot be kept exactly'],
    ['an infinite number', 'catalog: .inf', '1:10', 'cannot be kept exactly'],
    ['half of a character', 'catalog: "\\ud800"', '1:10', 'half of a character'],
    ['a text without its end', 'catalog: "x', '1:12', 'quote'],
    ['deep nesting', `catalog: ${'['.repeat(60)}${']'.repeat(60)}`, '1:26', 'nested deeper'],
    ['nesting without an end', `catalog: ${'['.repeat(100_000)}`, '1:26', 'nested deeper'],
    ['nested lists on one line', `catalog:\n  ${'- '.repeat(100_000)}x`, '2:35', 'nested deeper'],
  ])('refuses %s', (_, text, place, why) => {
    const texts = textsOf(text);
    expect(texts.filter((each) => each.startsWith(`a.yaml:${place}: `) && each.includes(why))).not.toEqual([]);
  });

  it('reads yes and no as texts, and on as a text', () => {
    expect(textsOf(`catalog:\n${ENTRY}    reversible: no\n`)).toEqual([]);
    expect(valueOf(one(`catalog:\n${ENTRY}    reversible: no\n`)).value.catalog?.[0]?.reversible).toBe('no');
  });

  it('has bounds on files, bytes, values and entries', () => {
    const many = Object.fromEntries(Array.from({ length: LIMITS.policy.files + 1 }, (_, i) => [`f${i}.yaml`, '']));
    expect(problemsOf(many).map(({ message }) => message)).toEqual([
      `the bundle has more than ${LIMITS.policy.files} files`,
    ]);
    expect(problemsOf(one('#'.repeat(LIMITS.policy.fileBytes + 1)))[0]?.message).toContain('bytes, and at most');
    const full = '#'.repeat(LIMITS.policy.fileBytes);
    const five = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((each) => [`${each}.yaml`, full]));
    expect(problemsOf(five)[0]?.message).toContain('bytes, and at most');
    expect(problemsOf(one(`catalog: [${'1,'.repeat(LIMITS.policy.values + 2)}]`))[0]?.message).toContain(
      'values in one file',
    );
    const entries = Array.from(
      { length: LIMITS.policy.catalogEntries + 1 },
      (_, i) => `{match: [a.b${i}], effects: [read], risk: low}`,
    );
    expect(problemsOf(one(`catalog: [${entries.join(',')}]`)).map(({ message }) => message)).toEqual([
      `more than ${LIMITS.policy.catalogEntries} entries in catalog`,
    ]);
    expect(problemsOf({})).toHaveLength(1);
  });

  it.each(['../a.yaml', '/a.yaml', 'a.txt', 'a b.yaml', '.yaml/..', ''])('refuses a file of the name %j', (name) => {
    expect(problemsOf({ [name]: '' })).toHaveLength(1);
  });

  it('is refused or read for any text, and never throws', () => {
    const piece = fc.constantFrom(
      'catalog',
      'tests',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '&a',
      '*a',
      '!',
      '|',
      '>',
      '#',
      '\t',
      '?',
      '---',
      '%',
      '<<',
      '1',
      '\u0000',
      '\ud800',
      '\ufeff',
      'match',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const checked = checkBundle(one(pieces.join('')));
        if (checked.ok) return;
        expect(checked.error.length).toBeGreaterThan(0);
        for (const { line, column, message } of checked.error)
          expect([line > 0, column > 0, message !== '']).toEqual([true, true, true]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('the rules of a bundle', () => {
  const rule = (more: string) =>
    `rules:\n  - name: two-reads\n    on: { effects: [read] }\n    when: { count_within: { effects: [read], at_least: 2, within: 1m } }\n    outcome: note\n    says: two reads\n${more}`;

  it('are absent, an empty list, or a list: the first keeps the rules of the release', () => {
    expect(valueOf(one('catalog: []\n'))).toMatchObject({ value: {}, rules: undefined });
    expect(valueOf(one('rules: []\n'))).toMatchObject({ value: { rules: [] }, rules: { list: [] } });
    const listed = valueOf(one(rule('    examples: { fires: [[{ times: 2 }]], silent: [[{}]] }\n')));
    expect(listed.rules?.list.map(({ name }) => name)).toEqual(['two-reads']);
    expect(new Set([listed.digest, valueOf(one('rules: []\n')).digest, valueOf(one('')).digest]).size).toBe(3);
  });

  it('are refused with the place of an example that fails', () => {
    expect(textsOf(rule('    examples:\n      fires: [[{}]]\n      silent:\n        - [{ times: 2 }]\n'))).toEqual([
      'a.yaml:8:15: rules.0.examples.fires.0: the rule two-reads should object to the last step, and does not',
      'a.yaml:10:11: rules.0.examples.silent.0: the rule two-reads should not object to the last step, and does',
    ]);
  });

  it('are refused without an example of each kind', () => {
    expect(textsOf(rule('    examples: { fires: [[{ times: 2 }]] }\n'))).toEqual([
      'a.yaml:7:15: rules.0.examples.silent: the member silent is missing',
    ]);
  });
});
