import fc from 'fast-check';
import type { StatedRule } from '@bailiwick/contracts/policy/rule';
import { LIMITS } from '@bailiwick/core/limits';
import { compileRules, type CompiledRules } from './compile';
import { feed, keptOf, keptRow, type Kept, type KeptRow } from './kept';
import type { Step } from './step';

const rulesOf = (of: object): CompiledRules => {
  const rule: StatedRule = {
    name: 'flow',
    on: { effects: ['external'] },
    when: { data_from: { labels: ['private'], ...of } },
    outcome: 'deny',
    says: 'x',
  };
  const compiled = compileRules([rule]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
};

type Some = Partial<Step> & Pick<Step, 'kind'>;
const PLAIN = {
  labels: [],
  effects: [],
  verb: 'x.y',
  resource: undefined,
  runId: 'run',
  agentClass: 'a',
  charge: undefined,
};
const step = (some: Some): Step => ({ ...PLAIN, ...some });

/** A tree whose steps are one second apart. */
class Tree {
  kept: Kept | undefined;
  now = 1_000_000;
  constructor(readonly rules: CompiledRules) {}

  after(...steps: readonly Some[]): this {
    for (const each of steps) this.kept = feed(this.kept, this.rules, step(each), (this.now += 1_000));
    return this;
  }

  /** Whether the rule objects to sending these values. */
  objects(marks: Step['marks'], isOwnWord = false): boolean {
    const sends = { labels: [], effect: 'external', runId: 'run', marks, isOwnWord } as const;
    const seen = { first: {}, kept: this.kept, now: this.now + 1_000 };
    return this.rules.list.some((rule) => rule.objection(seen, sends) !== undefined);
  }

  /** Whether the rule objects, and whether it still does if what is not known is ignored. */
  static verdict(steps: readonly Some[], marks: Step['marks'], isOwnWord = false): string {
    const [strict, lax] = [{}, { unknown: 'ignore' }].map((of) =>
      new Tree(rulesOf(of)).after(...steps).objects(marks, isOwnWord),
    );
    return strict ? (lax ? 'objects' : 'objects unless ignored') : lax ? 'milder' : 'silent';
  }
}

const read = (id: string, more: Partial<Step> = {}): Some => ({
  kind: 'permitted',
  labels: ['private'],
  actionId: id,
  marks: [],
  ...more,
});
const returned = (id: string, marks: Step['marks'], more: Partial<Step> = {}): Some => ({
  kind: 'ended',
  actionId: id,
  marks,
  ...more,
});
const many = (n: number, of = 'v'): string[] => Array.from({ length: n }, (_, i) => `${of}${i}`);

describe('data_from', () => {
  it('objects to a value that the result of a source had, in another run and however many steps ago', () => {
    const past = [
      read('a', { runId: 'child' }),
      returned('a', ['x', 'y'], { runId: 'child' }),
      read('b'),
      returned('b', ['z']),
    ];
    expect(Tree.verdict(past, ['w', 'y'])).toBe('objects');
    expect(Tree.verdict(past, ['w'])).toBe('silent');
    expect(Tree.verdict(past, [])).toBe('silent');
  });

  it('takes a result as a source by its own labels, and not one of a step that is none', () => {
    const labelled: Some = { kind: 'result', labels: ['private'], actionId: 'a', marks: ['x'] };
    expect(Tree.verdict([read('a', { labels: [] }), labelled], ['x'])).toBe('objects');
    expect(Tree.verdict([read('a', { labels: [] }), returned('a', ['x'])], ['x'])).toBe('silent');
  });

  it('lets values pass that the agent stated before any source was read', () => {
    const knew: Some = { kind: 'permitted', actionId: 'k', marks: ['x'] };
    expect(Tree.verdict([knew, read('a'), returned('a', ['x', 'y'])], ['x'])).toBe('silent');
    expect(Tree.verdict([knew, read('a'), returned('a', ['x', 'y'])], ['y'])).toBe('objects');
  });

  it('counts no value as the own of the agent that it states while a source is open, after one, or by its own word', () => {
    const knew: Some = { kind: 'permitted', actionId: 'k', marks: ['x'] };
    for (const past of [
      [read('a'), knew, returned('a', ['x'])],
      [read('a'), returned('a', ['x']), knew],
      [{ ...knew, isOwnWord: true }, read('a'), returned('a', ['x'])],
      [{ ...knew, kind: 'denied' as const }, read('a'), returned('a', ['x'])],
    ])
      expect(Tree.verdict(past, ['x'])).toBe('objects');
  });

  it('does not know what a source returned that has no outcome, or one without values', () => {
    for (const unstated of [undefined, 'unavailable'] as const)
      expect(Tree.verdict([read('a'), returned('a', unstated)], ['w'])).toBe('objects');
    expect(Tree.verdict([read('a')], ['w'])).toBe('objects');
    expect(Tree.verdict([read('a'), returned('a', ['x'], { isOwnWord: true })], ['w'])).toBe('objects');
  });

  it('does not know what is sent if values are not stated, in a tree in which they are', () => {
    const past = [read('a'), returned('a', ['x'])];
    expect(Tree.verdict(past, undefined)).toBe('objects');
    expect(Tree.verdict(past, 'unavailable')).toBe('objects');
    expect(Tree.verdict(past, ['w'], true)).toBe('objects');
    expect(Tree.verdict([read('a', { marks: undefined }), returned('a', undefined)], 'unavailable')).toBe('objects');
  });

  it('ignores on request a tree in which no point states values, and never a source that was not read', () => {
    expect(Tree.verdict([read('a', { marks: undefined }), returned('a', undefined)], undefined)).toBe(
      'objects unless ignored',
    );
    expect(Tree.verdict([read('a', { marks: undefined })], undefined)).toBe('objects unless ignored');
    expect(Tree.verdict([read('a', { labels: [], marks: undefined })], undefined)).toBe('silent');
    expect(Tree.verdict([], undefined)).toBe('silent');
  });

  it('forgets the oldest values first, and does not know whether one that is sent was among them', () => {
    const { values } = LIMITS.policy.rule.flow;
    const past = [read('a'), returned('a', ['first', ...many(200)])];
    for (let i = 0; i < values / 200; i++) past.push(read(`b${i}`), returned(`b${i}`, many(200, `w${i}-`)));
    expect(Tree.verdict(past, ['first'])).toBe('objects unless ignored');
    expect(Tree.verdict(past, ['w2-5'])).toBe('objects');
    const tree = new Tree(rulesOf({})).after(...past);
    const [operator] = tree.rules.operators;
    expect(JSON.stringify(keptRow(tree.kept as Kept)[2]).split(',').length).toBeLessThanOrEqual(
      operator?.values as number,
    );
  });

  it('does not know of a result or arguments with as many values as can be stated whether they had more', () => {
    const full = [read('a'), returned('a', many(LIMITS.valuesPerResult))];
    expect(Tree.verdict(full, ['w'])).toBe('objects unless ignored');
    expect(Tree.verdict([read('a'), returned('a', ['x'])], many(LIMITS.valuesPerCall, 'w'))).toBe(
      'objects unless ignored',
    );
  });

  it('treats sources of which too many are open as read, and not known', () => {
    const past = many(LIMITS.policy.rule.flow.open + 1).map((id) => read(id));
    const closed = many(LIMITS.policy.rule.flow.open + 1).map((id) => returned(id, []));
    expect(Tree.verdict([...past, ...closed], ['w'])).toBe('objects');
    expect(Tree.verdict([...past.slice(1), ...closed.slice(1)], ['w'])).toBe('silent');
  });

  it('looks back no further than its window, in time or in actions', () => {
    const past = [read('a'), returned('a', ['x'])];
    const idle: Some[] = many(5).map((id) => ({ kind: 'permitted', actionId: id, marks: [] }));
    for (const [within, fires] of [
      ['10s', true],
      ['3s', false],
      [9, true],
      [3, false],
    ] as const)
      expect([within, new Tree(rulesOf({ within })).after(...past, ...idle).objects(['x'])]).toEqual([within, fires]);
  });

  const MARKS = ['x', 'y', 'z'];
  const marks = fc.oneof(
    { weight: 4, arbitrary: fc.subarray(MARKS) },
    fc.constantFrom(undefined, 'unavailable' as const),
  );
  const some: fc.Arbitrary<Some> = fc.record({
    kind: fc.constantFrom('permitted', 'permitted', 'ended', 'ended', 'result', 'denied'),
    labels: fc.subarray(['private']),
    actionId: fc.constantFrom('a', 'b', 'c'),
    marks,
    isOwnWord: fc.constantFrom(false, false, true),
  });

  it('objects to every value that the result of a source had, unless a point stated it before the first source', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), marks, (past, sent) => {
        const open = new Set<string>();
        let [from, own, sources]: [string[], string[], number] = [[], [], 0];
        for (const { kind, labels = [], actionId = '', marks: stated, isOwnWord } of past) {
          const list = Array.isArray(stated) ? (stated as string[]) : [];
          const isSource = labels.includes('private') && (kind === 'permitted' || kind === 'result');
          if (kind === 'permitted' && !isOwnWord && open.size === 0) own = [...own, ...list];
          if (kind === 'permitted' && isSource) open.add(actionId);
          if ((kind === 'ended' || kind === 'result') && (open.delete(actionId) || isSource)) from = [...from, ...list];
          if (isSource) sources += 1;
        }
        const flows = Array.isArray(sent) && sent.some((each) => from.includes(each) && !own.includes(each));
        if (flows) expect(Tree.verdict(past, sent)).toBe('objects');
        if (sources === 0) expect(Tree.verdict(past, sent)).toBe('silent');
        expect(Tree.verdict(past, sent)).not.toBe('milder');
      }),
      { numRuns: 150 },
    );
  });

  it('is never milder if less is stated, or a run states it in place of a point', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 10 }), fc.nat(9), marks, fc.boolean(), (past, at, sent, byRun) => {
        const milder = past.map((each, i) => {
          if (i !== at) return each;
          return byRun ? { ...each, isOwnWord: true } : { ...each, marks: 'unavailable' as const };
        });
        if (Tree.verdict(past, sent) !== 'objects') return;
        // less is known of it: what is silent then was not stated by any point
        expect(Tree.verdict(milder, sent)).toMatch(/^objects/);
      }),
      { numRuns: 150 },
    );
  });

  it('judges the same if what it keeps is stored and read back after every step', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 12 }), marks, (past, sent) => {
        const [plain, stored] = [new Tree(rulesOf({})), new Tree(rulesOf({}))];
        for (const each of past) {
          plain.after(each);
          stored.after(each);
          stored.kept = stored.kept && keptOf(JSON.parse(JSON.stringify(keptRow(stored.kept))) as KeptRow);
          expect(stored.kept).toEqual(plain.kept);
        }
        expect(stored.objects(sent)).toBe(plain.objects(sent));
      }),
      { numRuns: 200 },
    );
  });
});
