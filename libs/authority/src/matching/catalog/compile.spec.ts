import fc from 'fast-check';
import { EFFECTS, RISKS } from '@bailiwick/contracts/grants/grant';
import { STAGES, type CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { classify } from '../catalog';
import { factsOf } from '../verbs/verb-meaning';
import { matchesVerb } from '../verbs/verb';
import { wordsOf } from '../verbs/verb-words';
import { compileCatalog, type Catalog } from './compile';
import type { Facts } from './facts';
import { bySpecificity } from './verb-index';

fc.configureGlobal({ seed: 20260303 });

const entry = (match: string[], more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  match,
  effects: ['write'],
  risk: 'medium',
  words: match[0],
  ...more,
});
const tool = (tools: string[], verb: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  tools,
  verb,
  effects: ['read'],
  risk: 'low',
  words: tools[0],
  ...more,
});
function compiled(...entries: CatalogEntry[]): Catalog {
  const result = compileCatalog(entries);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
const wordsFor = (catalog: Catalog, verb: string, name?: string): string | undefined =>
  catalog.lookup(verb, name).entry?.words;

describe('the precedence of entries', () => {
  it.each<[string, string[], string]>([
    ['an exact verb before a pattern', ['email.*', 'email.send', '**.send'], 'email.send'],
    ['more segments before fewer', ['email.*', 'email.draft.*'], 'email.draft.*'],
    ['more segments before fewer, wherever they are', ['secret.*', 'secret.**.send'], 'secret.**.send'],
    ['a noun before an operation', ['**.send', 'flub.*'], 'flub.*'],
    ['a noun before an operation, in any order', ['flub.*', '**.send'], 'flub.*'],
    ['one segment before any number', ['**.wobble', '*.wobble'], '*.wobble'],
    ['all else before what matches everything', ['*', '**.wobble'], '**.wobble'],
  ])('is %s', (_, patterns, first) => {
    const verb = { 'email.send': 'email.send', 'email.draft.*': 'email.draft.make', 'secret.**.send': 'secret.send' }[
      first
    ];
    const asked = verb ?? (first === 'flub.*' ? 'flub.send' : 'flub.wobble');
    const orders = [patterns, patterns.toReversed()];
    for (const order of orders) expect(wordsFor(compiled(...order.map((each) => entry([each]))), asked)).toBe(first);
  });

  it('is the order of the bundle for patterns that are equally specific', () => {
    const [one, other] = [entry(['a.*.c']), entry(['a.b.*'])];
    expect(bySpecificity('a.*.c', 'a.b.*')).toBe(0);
    expect(wordsFor(compiled(one, other), 'a.b.c')).toBe('a.*.c');
    expect(wordsFor(compiled(other, one), 'a.b.c')).toBe('a.b.*');
  });

  const SEGMENT = fc.constantFrom('a', 'b', 'c', '*', '**');
  const patterns = fc
    .uniqueArray(
      fc.array(SEGMENT, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('.')),
      { maxLength: 30 },
    )
    .map((all) => all.filter((each) => each.includes('*')));
  const verb = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 5 })
    .map((segments) => segments.join('.'));

  it('is that of a search through all patterns, in order', () => {
    let hits = 0;
    fc.assert(
      fc.property(patterns, fc.array(verb, { minLength: 1, maxLength: 10 }), (all, verbs) => {
        const catalog = compiled(...all.map((each) => entry([each])));
        const sorted = all.toSorted(bySpecificity);
        for (const each of verbs) {
          const expected = sorted.find((pattern) => matchesVerb(pattern, each));
          if (expected !== undefined) hits += 1;
          expect([all, each, wordsFor(catalog, each)]).toEqual([all, each, expected]);
        }
      }),
      { numRuns: 500 },
    );
    expect(hits).toBeGreaterThan(1_000);
  });

  it('holds for two thousand entries', () => {
    const many = Array.from({ length: 2_000 }, (_, i) =>
      entry([`noun${i}.make`, `noun${i}.*`, `**.act${i}`], { words: `entry ${i}` }),
    );
    const catalog = compiled(...many);
    for (const i of [0, 1, 777, 1_999]) {
      expect(wordsFor(catalog, `noun${i}.make`)).toBe(`entry ${i}`);
      expect(wordsFor(catalog, `make_noun${i}`)).toBe(`entry ${i}`);
      expect(wordsFor(catalog, `noun${i}.act${(i + 1) % 2_000}`)).toBe(`entry ${i}`);
      expect(wordsFor(catalog, `other.deep.act${i}`)).toBe(`entry ${i}`);
    }
    expect(wordsFor(catalog, 'noun2000.make')).toBeUndefined();
  });
});

describe('an entry', () => {
  it('that is exact is the whole truth about its verb', () => {
    const { facts, by } = compiled(entry(['email.send'], { effects: ['read'], risk: 'low' })).lookup('email.send');
    expect([by, facts]).toEqual(['exact', { effects: ['read'], risk: 'low', labels: [], stage: 'draft' }]);
  });

  it.each(['send_email', 'sendEmail', 'SendEmails', 'email-send', 'sending_emails', 'email_send'])(
    'that is exact is found as %s, and joined with what these words mean',
    (spelled) => {
      const {
        facts,
        by,
        entry: found,
      } = compiled(entry(['email.send'], { labels: ['mine'], risk: 'high' })).lookup(spelled);
      expect([by, found?.words]).toEqual(['words', 'email.send']);
      expect(facts).toMatchObject({ risk: 'high', labels: ['mine'], stage: 'execute' });
      expect(facts.effects.toSorted()).toEqual(['external', 'write']);
    },
  );

  it.each(['send_email_now', 'email', 'resend_email', 'send.emails.all'])(
    'that is exact is not found as %s',
    (spelled) => {
      expect(compiled(entry(['email.send'])).lookup(spelled).entry).toBeUndefined();
    },
  );

  it('that is found by its words is joined with the entry of a pattern too', () => {
    const catalog = compiled(
      entry(['update.sudo'], { effects: ['read'], risk: 'low' }),
      entry(['sudo.*'], { labels: ['escalation'] }),
    );
    expect(catalog.lookup('sudo.update').facts).toMatchObject({
      labels: ['escalation'],
      effects: expect.arrayContaining(['write']),
    });
  });

  const KNOWN = [
    'send',
    'email',
    'read',
    'delete',
    'run',
    'code',
    'pay',
    'secret',
    'fetch',
    'url',
    'list',
    'file',
    'share',
    'shell',
    'upload',
    'x',
  ];
  const known = fc.array(fc.constantFrom(...KNOWN), { minLength: 2, maxLength: 3 });
  const facts = fc.record({
    effects: fc.uniqueArray(fc.constantFrom(...EFFECTS), { minLength: 1 }),
    risk: fc.constantFrom(...RISKS),
    stage: fc.option(fc.constantFrom(...STAGES), { nil: undefined }),
  });
  const isAtLeast = (now: Facts, least: ReturnType<typeof factsOf>['facts']): boolean =>
    least === undefined ||
    (least.effects.every((each) => now.effects.includes(each)) &&
      least.labels.every((each) => now.labels.includes(each)) &&
      RISKS.indexOf(now.risk) >= RISKS.indexOf(least.risk));

  it('of a pattern, of other words or of a tool makes nothing milder than the words of the verb', () => {
    let compared = 0;
    fc.assert(
      fc.property(
        known,
        fc.constantFrom('.', '_'),
        facts,
        fc.constantFrom('first', 'last', 'words', 'tool'),
        (parts, by, more, kind) => {
          const spelled = parts.join(by);
          const pattern = {
            first: `${parts[0]}.**`,
            last: `**.${parts.at(-1)}`,
            words: parts.toReversed().join('.'),
            tool: 'flub',
          }[kind];
          const catalog =
            kind === 'tool' ? compiled(tool(['t'], 'flub.wobble', more)) : compiled(entry([pattern], more));
          const found = catalog.lookup(spelled, kind === 'tool' ? 't' : undefined);
          const least = factsOf(wordsOf(spelled)).facts;
          if (found.by === 'exact' || (found.by === 'doubt' && kind !== 'tool')) return;
          compared += 1;
          expect([spelled, pattern, isAtLeast(found.facts, least)]).toEqual([spelled, pattern, true]);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });

  it.each<[string, Partial<CatalogEntry>, string]>([
    ['read', { effects: ['read'] }, 'draft'],
    ['write', { effects: ['write'] }, 'execute'],
    ['read with a label of what may send', { effects: ['read'], labels: ['may:send'] }, 'execute'],
    ['write that states the stage draft', { effects: ['write'], stage: 'draft' }, 'draft'],
    ['write that states the stage propose', { effects: ['write'], stage: 'propose' }, 'propose'],
  ])('of a %s has its stage', (_, more, stage) => {
    expect(compiled(entry(['flub.wobble'], more)).lookup('flub.wobble').facts.stage).toBe(stage);
  });

  it('has the later stage if another statement is stricter', () => {
    const catalog = compiled(entry(['email.*'], { stage: 'draft' }));
    expect(catalog.lookup('email.flub').facts.stage).toBe('draft');
    expect(catalog.lookup('email.send').facts.stage).toBe('execute');
    const action = {
      verb: 'email.flub',
      risk: undefined,
      labels: [],
      resource: { type: 'x', id: 'x', attributes: {} },
    };
    expect(classify({ ...action, effect: undefined }, catalog).stage).toBe('draft');
    expect(classify({ ...action, effect: 'external' }, catalog).stage).toBe('execute');
  });

  it('is missing for a verb in doubt, which may send and execute something', () => {
    const { by, classified, facts, entry: found } = compiled().lookup('flub.wobble');
    expect([by, classified, found]).toEqual(['doubt', false, undefined]);
    expect(facts).toEqual({ effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'], stage: 'execute' });
  });
});

describe('an entry of a tool', () => {
  const catalog = compiled(
    tool(['Read', 'mcp__fs__*'], 'file.read'),
    tool(['mcp__*'], 'flub.wobble', { effects: ['write'], risk: 'medium', words: 'any tool of a server' }),
    tool(['mcp__fs__write_file'], 'file.write', { effects: ['write'], risk: 'medium' }),
    tool(['*_hook'], 'flub.hook', { words: 'hooks' }),
  );

  it.each([
    ['Read', 'Read'],
    ['read', 'Read'],
    ['mcp__fs__list', 'Read'],
    ['mcp__fs__write_file', 'mcp__fs__write_file'],
    ['mcp__mail__list', 'any tool of a server'],
    ['my_hook', 'hooks'],
    ['Reader', undefined],
  ])('is found for %s: exact before pattern, more text before less', (name, words) => {
    expect(wordsFor(catalog, 'tool.use', name)).toBe(words);
  });

  const action = {
    verb: 'tool.use',
    effect: undefined,
    risk: undefined,
    labels: [],
    resource: { type: 'x', id: 'x', attributes: {} },
  };

  it('classifies an unknown verb for an enforcement point, and is added to the doubt for a run', () => {
    expect(classify({ ...action, tool: 'Read', vouched: true }, catalog)).toMatchObject({
      effects: ['read'],
      risk: 'low',
    });
    expect(classify({ ...action, tool: 'Read' }, catalog)).toMatchObject({
      effects: ['read', 'write'],
      risk: 'medium',
    });
  });

  it('is added to the facts of a known verb, whatever names it', () => {
    for (const vouched of [true, false])
      expect(classify({ ...action, verb: 'email.send', tool: 'Read', vouched }, catalog).effects).toEqual([
        'read',
        'external',
      ]);
  });

  it('is no milder than the verb that it stands for', () => {
    expect(compiled(tool(['Mailer'], 'email.send')).lookup('tool.use', 'Mailer').ofTool?.effects).toEqual([
      'read',
      'external',
    ]);
  });

  it('of a pattern is no milder than the words of the name', () => {
    expect(catalog.lookup('tool.use', 'mcp__fs__delete_file').ofTool).toMatchObject({
      effects: ['read', 'write'],
      risk: 'high',
    });
  });
});

describe('a fault in a catalog', () => {
  it.each<[string, CatalogEntry[], object]>([
    ['a pattern of two entries', [entry(['a.b']), entry(['c.d', 'A.B'])], { entry: 1, path: ['match', 1], other: 0 }],
    ['the words of two entries', [entry(['a.b']), entry(['b_a'])], { entry: 1, path: ['match', 0], other: 0 }],
    ['a pattern that is malformed', [entry(['a..b'])], { entry: 0, path: ['match', 0] }],
    ['a tool of two entries', [tool(['T'], 'a.b'), tool(['t'], 'a.b')], { entry: 1, path: ['tools', 0], other: 0 }],
    ['a tool without text', [tool(['**'], 'a.b')], { entry: 0, path: ['tools', 0] }],
    ['a verb that is a pattern', [tool(['T'], 'a.*')], { entry: 0, path: ['verb'] }],
    [
      'a verb that undoes it and is malformed',
      [entry(['a.b'], { reversible: 'a b' })],
      { entry: 0, path: ['reversible'] },
    ],
  ])('is %s', (_, entries, fault) => {
    const result = compileCatalog(entries);
    expect(result.ok ? [] : result.error).toEqual([expect.objectContaining(fault)]);
  });
});
