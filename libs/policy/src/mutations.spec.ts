import { checkBundle, type BundleFiles } from './bundle';
import { readDefaultBundle } from './default-bundle';
import { problemText } from './problem';
import { runPolicyTests } from './rehearsal/run-policy-tests';

const DEFAULT = readDefaultBundle();
/** The default bundle, with the one member in it that its entries need not have: a resource from arguments. */
const FILES: BundleFiles = {
  ...DEFAULT,
  'web.yaml': (DEFAULT['web.yaml'] as string).replace(
    /^ {2}- tools: \[WebFetch.*\n/m,
    (line) => `${line}    resource: { type: web, id: '{/url}' }\n`,
  ),
};

/** What finds a mutation: the check, at the place of the mutation, or the tests of the bundle. */
type FoundBy = 'check' | 'tests';
type Mutation = readonly [what: string, file: string, from: string | RegExp, to: string, by: FoundBy, why: string];

const MUTATIONS: readonly Mutation[] = [
  // names
  ['a misspelled section', 'money.yaml', /^catalog:/m, 'catalogue:', 'check', 'unknown section catalogue'],
  ['a section of a later version', 'money.yaml', /^catalog:/m, 'budgets:', 'check', 'unknown section budgets'],
  ['a misspelled member', 'money.yaml', 'effects: [external]', 'efects: [external]', 'check', 'did you mean effects'],
  [
    'a member in the singular',
    'money.yaml',
    'effects: [external]',
    'effect: [external]',
    'check',
    'did you mean effects',
  ],
  ['a member in capitals', 'web.yaml', 'risk: low', 'Risk: low', 'check', 'did you mean risk'],
  ['a misspelled stage', 'messages.yaml', 'stage: draft', 'stgae: draft', 'check', 'did you mean stage'],
  [
    'a member that nothing knows',
    'files.yaml',
    'risk: medium',
    'risk: medium\n    owner: ann',
    'check',
    'unknown member owner',
  ],
  ['a misspelled member of a resource', 'web.yaml', 'type: web', 'kind: web', 'check', 'unknown member kind'],
  [
    'a misspelled member of a test',
    'tests.yaml',
    'expect: { decision: deny',
    'expects: { decision: deny',
    'check',
    'did you mean expect',
  ],
  ['a misspelled member of a lease', 'tests.yaml', 'mode: propose', 'mod: propose', 'check', 'did you mean mode'],
  [
    'a misspelled member of a step',
    'tests.yaml',
    'verb: email.list',
    'verbs: email.list',
    'check',
    'did you mean verb',
  ],
  // missing members
  ['an entry without effects', 'general.yaml', /\n {4}effects: \[read\]/, '', 'check', 'the member effects is missing'],
  ['an entry without a risk', 'general.yaml', /\n {4}risk: low/, '', 'check', 'the member risk is missing'],
  [
    'an entry without patterns',
    'general.yaml',
    "- match: ['**.delete']",
    '- labels: [private]',
    'check',
    'needs match',
  ],
  [
    'tools without their verb',
    'execution.yaml',
    /\n {4}verb: shell\.run/,
    '',
    'check',
    'tools and verb belong together',
  ],
  [
    'a test without its call',
    'tests.yaml',
    /\n {4}call: \{ verb: contact\.export.*/,
    '',
    'check',
    'the member call is missing',
  ],
  ['a test without a decision', 'tests.yaml', 'decision: deny, ', '', 'check', 'the member decision is missing'],
  // types and values
  [
    'an effect that does not exist',
    'messages.yaml',
    'effects: [external]',
    'effects: [send]',
    'check',
    'one of read, write, exec, external',
  ],
  [
    'an effect that is misspelled',
    'messages.yaml',
    'effects: [external]',
    'effects: [exteral]',
    'check',
    'did you mean external',
  ],
  ['no effects', 'messages.yaml', 'effects: [external]', 'effects: []', 'check', 'at least 1 entries'],
  [
    'an effect twice',
    'messages.yaml',
    'effects: [external]',
    'effects: [external, external]',
    'check',
    'names an effect twice',
  ],
  ['effects that are no list', 'messages.yaml', 'effects: [external]', 'effects: external', 'check', 'must be a list'],
  [
    'a pattern that is no list',
    'general.yaml',
    "match: ['**.delete']",
    "match: '**.delete'",
    'check',
    'must be a list',
  ],
  ['a risk that does not exist', 'money.yaml', 'risk: high', 'risk: higher', 'check', 'did you mean high'],
  ['a stage that does not exist', 'messages.yaml', 'stage: draft', 'stage: drafted', 'check', 'did you mean draft'],
  ['a label with a space', 'web.yaml', "'fetch:unnamed'", "'fetch unnamed'", 'check', 'must be like read:secret'],
  ['reversible: true', 'money.yaml', 'reversible: false', 'reversible: true', 'check', 'must be false, or the verb'],
  ['words that are empty', 'money.yaml', 'words: read payments', "words: ''", 'check', 'at least 1 characters'],
  [
    'words with a control character',
    'money.yaml',
    'words: read payments',
    'words: "read\\u202Epayments"',
    'check',
    'control or direction',
  ],
  [
    'a decision that does not exist',
    'tests.yaml',
    'decision: step-up',
    'decision: stepup',
    'check',
    'did you mean step-up',
  ],
  [
    'a code that does not exist',
    'tests.yaml',
    'codes: [MODE_PROPOSES]',
    'codes: [MODE_PROPOSE]',
    'check',
    'did you mean MODE_PROPOSES',
  ],
  ['a budget that is a text', 'tests.yaml', 'external: 0', "external: '0'", 'check', 'must be a number'],
  // patterns
  ['a pattern of another language', 'general.yaml', "'**.delete'", "'(rm|delete)'", 'check', 'catalog.1.match.0'],
  ['a pattern with a * in a segment', 'general.yaml', "'**.delete'", "'**.del*'", 'check', 'is a whole * or **'],
  ['a pattern with an empty segment', 'general.yaml', "'**.delete'", "'**..delete'", 'check', 'empty segment'],
  ['a pattern with a space', 'general.yaml', "'**.delete'", "'** .delete'", 'check', 'has the segment'],
  ['a pattern with a look-alike letter', 'money.yaml', 'payment.list', 'p\u0430yment.list', 'check', 'has the segment'],
  [
    'a pattern of two entries',
    'general.yaml',
    "'**.delete'",
    "'**.send'",
    'check',
    'is also a pattern of another entry',
  ],
  [
    'a verb of two entries in two notations',
    'web.yaml',
    'match: [web.search]',
    'match: [web.search, send_email]',
    'check',
    'has the same words',
  ],
  [
    'a pattern twice in one entry',
    'general.yaml',
    "['**.delete']",
    "['**.delete', '**.delete']",
    'check',
    'is also a pattern of this entry',
  ],
  [
    'a tool of two entries',
    'execution.yaml',
    'tools: [Bash',
    'tools: [Bash, bash',
    'check',
    'is also a tool of this entry',
  ],
  ['a tool that is every tool', 'execution.yaml', 'tools: [Bash', "tools: ['*'", 'check', 'names no tool'],
  ['a verb that is a pattern', 'execution.yaml', 'verb: shell.run', "verb: 'shell.*'", 'check', 'has the segment'],
  // pointers and templates
  ['a pointer without its slash', 'web.yaml', '{/url}', '{url}', 'check', 'must be a JSON pointer'],
  ['a pointer with a wrong escape', 'web.yaml', '{/url}', '{/u~l}', 'check', 'must be a JSON pointer'],
  ['a template without its brace', 'web.yaml', '{/url}', '{/url', 'check', 'without its counterpart'],
  ['two pointers that run together', 'web.yaml', '{/url}', '{/host}{/path}', 'check', 'run together'],
  // approvals
  ['a misspelled number of people', 'approvals.yaml', 'needed: 1', 'neded: 1', 'check', 'did you mean needed'],
  ['no people', 'approvals.yaml', 'needed: 1', 'needed: 0', 'check', 'at least 1'],
  ['an unknown scope', 'approvals.yaml', '[call, target, run]', '[call, targets]', 'check', 'did you mean target'],
  ['a wait that is too long', 'approvals.yaml', 'needed: 1', 'expires: 3d', 'check', 'at most 24 hours'],
  ['no call', 'approvals.yaml', '[call, target, run]', '[run]', 'check', 'must include call'],
  [
    'a second rule for everything',
    'approvals.yaml',
    'approvals:\n',
    'approvals:\n  - name: everything\n',
    'check',
    'never reached',
  ],
  // rules
  [
    'an operator that does not exist',
    'rules.yaml',
    'when: { formerly:',
    'when: { formely:',
    'check',
    'did you mean formerly',
  ],
  [
    'a formula with two operators',
    'rules.yaml',
    "when: { once: { labels: ['read:secret'] } }",
    "when: { once: { labels: ['read:secret'] }, never: { labels: [x] } }",
    'check',
    'exactly one operator',
  ],
  [
    'a rule without what people read',
    'rules.yaml',
    /\n {4}says: a secret.*/,
    '',
    'check',
    'the member says is missing',
  ],
  ['an outcome that does not exist', 'rules.yaml', 'outcome: deny', 'outcome: denys', 'check', 'did you mean deny'],
  ['a name twice', 'rules.yaml', 'name: mass-reads', 'name: lethal-trifecta', 'check', 'also the name of another rule'],
  ['the code of another rule', 'rules.yaml', 'code: LETHAL_TRIFECTA', 'code: MAY_SEND_SECRET', 'check', 'leave it out'],
  [
    'a window that is no duration',
    'rules.yaml',
    'within: 10m',
    'within: 10 minutes',
    'check',
    'a whole number with ms',
  ],
  ['a window that is too long', 'rules.yaml', 'within: 10m', 'within: 90d', 'check', 'at most 30 days'],
  ['a count of nothing', 'rules.yaml', 'at_least: 40', 'at_least: 0', 'check', 'at least 1'],
  [
    'a kind that does not exist',
    'rules.yaml',
    'kind: denied, at_least',
    'kind: refused, at_least',
    'check',
    'one of permitted',
  ],
  ['a matcher of nothing', 'rules.yaml', 'on: { labels: [pays] }', 'on: {}', 'check', 'needs at least one of'],
  [
    'a label of the tree that no step has',
    'rules.yaml',
    "formerly: { labels: ['open:send'] }",
    "formerly: { labels: ['open:send'], within: 5m }",
    'check',
    'no step has open:send',
  ],
  // rules that object to more or to less than they should are found by their examples
  [
    'a rule of another label',
    'rules.yaml',
    "once: { labels: ['read:secret']",
    'once: { labels: [private]',
    'check',
    'should object',
  ],
  [
    'a rule that forgets that content is untrusted',
    'rules.yaml',
    'all: [{ once: { labels: [private] } }, { once: { labels: [untrusted] } }]',
    'all: [{ once: { labels: [private] } }]',
    'check',
    'should not object',
  ],
  [
    'any in place of all',
    'rules.yaml',
    'when: { all: [{ formerly',
    'when: { any: [{ formerly',
    'check',
    'should not object',
  ],
  [
    'once in place of formerly',
    'rules.yaml',
    "when: { formerly: { labels: ['read",
    "when: { once: { labels: ['read",
    'check',
    'should not object',
  ],
  [
    'a larger count',
    'rules.yaml',
    'of: resources, at_least: 40',
    'of: resources, at_least: 41',
    'check',
    'should object',
  ],
  ['a smaller count', 'rules.yaml', 'denied, at_least: 10', 'denied, at_least: 9', 'check', 'should not object'],
  [
    'a longer window',
    'rules.yaml',
    'at_least: 10, within: 10m',
    'at_least: 10, within: 1h',
    'check',
    'should not object',
  ],
  ['a shorter window', 'rules.yaml', 'at_least: 10, within: 1d', 'at_least: 10, within: 5h', 'check', 'should object'],
  [
    'another part that is the same',
    'rules.yaml',
    'same: [verb, resource]',
    'same: [verb]',
    'check',
    'should not object',
  ],
  // YAML
  ['a tab', 'money.yaml', '\n    risk: low', '\n\trisk: low', 'check', ''],
  ['an anchor', 'money.yaml', 'effects: [external]', 'effects: &e [external]', 'check', 'is an anchor'],
  ['an alias', 'money.yaml', 'effects: [external]', 'effects: *e', 'check', 'alias'],
  ['a merge key', 'money.yaml', 'risk: high', '<<: { risk: high }', 'check', 'merge key'],
  ['a tag', 'money.yaml', 'risk: high', 'risk: !!str high', 'check', 'is a tag'],
  ['a member twice', 'money.yaml', 'risk: high', 'risk: high\n    risk: low', 'check', 'risk occurs twice'],
  ['a second document', 'money.yaml', '\n  - match', '\n---\ncatalog:\n  - match', 'check', 'second document'],
  [
    'deep nesting',
    'money.yaml',
    'labels: [private]',
    `labels: ${'['.repeat(40)}${']'.repeat(40)}`,
    'check',
    'nested deeper',
  ],
  ['a list that is not closed', 'money.yaml', 'effects: [external]', 'effects: [external', 'check', ''],
  ['an indentation that is off', 'money.yaml', '\n    risk: low', '\n   risk: low', 'check', ''],
  // entries that count as milder than they are
  [
    'a verb that sends as a read',
    'messages.yaml',
    /(match: \[email\.send\]\n {4}effects: )\[external\]/,
    '$1[read]',
    'tests',
    'a lease',
  ],
  [
    'a forwarding rule as a write',
    'messages.yaml',
    /(email\.rule\.create[^-]*?effects: )\[external\]/,
    '$1[write]',
    'tests',
    'sends nothing',
  ],
  [
    'payments as a write',
    'money.yaml',
    /(match: \['payment\.\*'\]\n {4}effects: )\[external\]/,
    '$1[write]',
    'tests',
    'sends nothing',
  ],
  [
    'payments of low risk',
    'money.yaml',
    /(match: \['payment\.\*'\]\n {4}effects: \[external\]\n {4}risk: )high/,
    '$1low',
    'tests',
    'high risks need a person',
  ],
  [
    'code that is run as a write',
    'execution.yaml',
    /(match: \[code\.run\]\n {4}effects: )\[exec\]\n {4}risk: high/,
    '$1[write]\n    risk: low',
    'tests',
    'high risks need a person',
  ],
  [
    'a payment at the stage draft',
    'money.yaml',
    'words: move money',
    'words: move money\n    stage: draft',
    'check',
    'at the stage execute at least',
  ],
  [
    'a draft that is carried out',
    'messages.yaml',
    'stage: draft',
    'stage: execute',
    'tests',
    'does nothing but read and draft',
  ],
  [
    'deleting as a read',
    'files.yaml',
    /(match: \[file\.delete[^-]*?effects: )\[write\]/,
    '$1[read]',
    'tests',
    'does nothing but read',
  ],
  [
    'an export that only reads',
    'business.yaml',
    'effects: [read, external]',
    'effects: [read]',
    'tests',
    'external calls',
  ],
  [
    'email that is not untrusted',
    'messages.yaml',
    'labels: [untrusted, private]',
    'labels: [private]',
    'tests',
    'Email is written by others',
  ],
  [
    'email that is not private',
    'messages.yaml',
    'labels: [untrusted, private]',
    'labels: [untrusted]',
    'tests',
    'Email is written by others',
  ],
  [
    'a secret that nothing discloses',
    'authority.yaml',
    /labels: \['read:secret', private\]\n {4}words: read a secret/,
    'words: read a secret',
    'tests',
    'should get',
  ],
  ['a deployment of high risk', 'authority.yaml', 'risk: irreversible', 'risk: high', 'tests', 'always needs a person'],
  [
    'authority without its label',
    'authority.yaml',
    'labels: [escalation]',
    'labels: [private]',
    'tests',
    'after more authority was denied',
  ],
  ['a transfer that does not pay', 'money.yaml', 'labels: [pays]', 'labels: [private]', 'tests', 'step-up'],
  [
    'an expectation that does not hold',
    'tests.yaml',
    'decision: step-up, codes: [MODE_PROPOSES]',
    'decision: permit',
    'tests',
    'should get permit',
  ],
];

function mutate([, file, from, to]: Mutation): Record<string, string> {
  const text = FILES[file] as string;
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${String(from)} is not in ${file}`);
  return { ...FILES, [file]: changed };
}

/** Returns the first line that differs. */
function changedLine(before: string, after: string): number {
  const [a, b] = [before.split('\n'), after.split('\n')];
  return a.findIndex((line, i) => line !== b[i]) + 1;
}

describe('a mutation of the default bundle', () => {
  it('is one of at least fifty', () => {
    expect(new Set(MUTATIONS.map(([what]) => what)).size).toBeGreaterThanOrEqual(50);
  });

  it.each(MUTATIONS.filter(([, , , , by]) => by === 'check').map((each) => [each[0], each] as const))(
    '%s is refused, with its file, line and column',
    (_, mutation) => {
      const [, file, , , , why] = mutation;
      const files = mutate(mutation);
      const checked = checkBundle(files);
      const problems = checked.ok ? [] : checked.error;
      const line = changedLine(FILES[file] as string, files[file] as string);
      const near = problems.filter((each) => each.file === file && Math.abs(each.line - line) <= 8 && each.column >= 1);
      expect(near.map(problemText).join('\n')).toContain(why);
      expect(near).not.toEqual([]);
    },
  );

  it.each(MUTATIONS.filter(([, , , , by]) => by === 'tests').map((each) => [each[0], each] as const))(
    '%s is found by the tests of the bundle',
    (_, mutation) => {
      const checked = checkBundle(mutate(mutation));
      if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
      const failures = runPolicyTests(checked.value);
      expect(failures.map(problemText).join('\n')).toContain(mutation[5]);
      for (const { file, line, column } of failures) {
        expect(file).toMatch(/^tests/);
        expect([line > 1, column > 1]).toEqual([true, true]);
      }
    },
  );
});
