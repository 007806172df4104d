import fc from 'fast-check';
import { EFFECTS } from '@bailiwick/contracts/grants/grant';
import type { Trajectory } from '@bailiwick/contracts/actions/trajectory';
import { formula, STEP_KINDS, type Formula, type StatedRule } from '@bailiwick/contracts/policy/rule';
import { NaiveRules, type Past } from '../testing/naive-rules';
import { compileRules, type CompiledRules } from './compile';
import { feed, keptOf, keptRow, type Kept, type KeptRow } from './kept';
import type { Step } from './step';

fc.configureGlobal({ seed: 20260330 });

const LABELS = ['private', 'untrusted', 'pays'];
const RESOURCES = ['a/1', 'a/2', 'b/1', 'b/2'].map((id) => ({ type: id.startsWith('a') ? 'file' : 'crm', id }));
const list = <T>(...of: T[]) => fc.subarray(of, { minLength: 1, maxLength: Math.min(2, of.length) });

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('permitted' as const, 'permitted' as const, ...STEP_KINDS),
  labels: fc.subarray(LABELS),
  effects: fc.subarray([...EFFECTS], { minLength: 1, maxLength: 2 }),
  verb: fc.option(fc.constantFrom('file.read', 'file.write', 'mail.send'), { nil: undefined }),
  resource: fc.option(fc.constantFrom(...RESOURCES), { nil: undefined }),
  runId: fc.constantFrom('run_a', 'run_b'),
  agentClass: fc.option(fc.constantFrom('worker', 'helper'), { nil: undefined }),
  charge: fc.record({
    calls: fc.constant(1),
    reads: fc.nat(1),
    writes: fc.nat(1),
    external: fc.nat(1),
    cost: fc.record({ USD: fc.nat(5) }),
  }),
});
const pastOf = (maxLength: number, minLength = 0): fc.Arbitrary<Past[]> =>
  fc.array(fc.tuple(step, fc.constantFrom(0, 1_000, 5_000, 30_000)), { minLength, maxLength }).map((all) => {
    let at = 1_000_000;
    return all.map(([each, gap]) => ({ step: each, at: (at += gap) }));
  });

const matcher = fc.oneof(
  fc.record({ labels: list(...LABELS) }),
  fc.record({ any_label: list(...LABELS) }),
  fc.record({ effects: list(...EFFECTS) }),
  fc.record({ verbs: list('file.*', 'mail.send') }),
  fc.record({ resource: fc.constantFrom({ type: 'file' }, { match: 'a/**' }, { type: 'crm', match: '*/1' }) }),
  fc.record({ classes: list('worker') }),
  fc.record({ kind: fc.constantFrom(...STEP_KINDS) }),
  fc.record({ kind: fc.constantFrom(...STEP_KINDS), effects: list(...EFFECTS) }),
);
const within = fc.constantFrom<(string | number)[]>('1s', '10s', '1m', 1, 3, 10);
const maybe = <T>(of: fc.Arbitrary<T>, name: string) => fc.option(of, { nil: undefined }).map((v) => ({ [name]: v }));
const joined = (...parts: fc.Arbitrary<object>[]) =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as object);
const parts = list<'resource' | 'verb' | 'run'>('resource', 'verb', 'run');
const seen = joined(matcher, maybe(within, 'within'), fc.oneof(maybe(parts, 'same'), maybe(parts, 'different')));
const counted = (most: number) => joined(matcher, fc.record({ within, at_least: fc.integer({ min: 1, max: most }) }));

/** Operators whose value only grows with the past, and all. */
const grows = [
  seen.map((formerly) => ({ formerly })),
  seen.map((once) => ({ once })),
  joined(counted(5), maybe(parts, 'same')).map((count_within) => ({ count_within })),
  joined(counted(4), fc.record({ of: fc.constantFrom('resources', 'verbs', 'types', 'runs', 'classes') })).map(
    (count_distinct_within) => ({ count_distinct_within }),
  ),
  joined(counted(12), fc.record({ of: fc.constantFrom('cost.USD', 'calls', 'external') }), maybe(parts, 'same')).map(
    (sum_within) => ({ sum_within }),
  ),
];
const shrinks = [
  seen.map((never) => ({ never })),
  joined(fc.record({ step: matcher, no: matcher }), maybe(within, 'within')).map((since) => ({ since })),
];
const formulas = (operators: fc.Arbitrary<object>[], withNot: boolean): fc.Arbitrary<Formula> =>
  fc
    .letrec<{ formula: object }>((tie) => ({
      formula: fc.oneof(
        { maxDepth: 2 },
        ...operators,
        fc.array(tie('formula'), { minLength: 1, maxLength: 3 }).map((all) => ({ all })),
        fc.array(tie('formula'), { minLength: 1, maxLength: 3 }).map((any) => ({ any })),
        ...(withNot ? [tie('formula').map((not) => ({ not }))] : []),
      ),
    }))
    .formula.map((value) => formula.parse(JSON.parse(JSON.stringify(value))));
const any = formulas([...grows, ...shrinks], true);
const growing = formulas(grows, false);

const ruleOf = (when: Formula): StatedRule => ({
  name: 'under-test',
  on: { effects: [...EFFECTS] },
  when,
  outcome: 'deny',
  says: 'no',
});
function compiled(when: Formula): CompiledRules {
  const rules = compileRules([ruleOf(when)]);
  if (!rules.ok) throw new Error(JSON.stringify(rules.error));
  return rules.value;
}

/** A tree as the fold keeps it. */
function treeAfter(rules: CompiledRules, past: readonly Past[], each: (kept: Kept | undefined) => Kept | undefined) {
  const first: Record<string, Trajectory['first'][string]> = {};
  let kept: Kept | undefined;
  for (const [position, { step: next, at }] of past.entries()) {
    if (next.kind === 'permitted' || next.kind === 'result')
      for (const label of [...next.labels, ...next.effects.flatMap((e) => IMPLIED[e] ?? [])])
        first[label] ??= { actionId: 'act', runId: next.runId, position };
    kept = each(feed(kept, rules, next, at));
  }
  return { first, kept };
}
const IMPLIED: Partial<Record<string, string>> = { external: 'send:external', exec: 'exec:shell' };
const asIs = (kept: Kept | undefined) => kept;

function fires(rules: CompiledRules, past: readonly Past[], next: Past, each = asIs): boolean {
  const { first, kept } = treeAfter(rules, past, each);
  const { labels, effects, runId, verb, resource, agentClass, charge } = next.step;
  const requested = { labels, effect: effects[0] as 'read', effects, runId, verb, resource, agentClass, charge };
  return rules.list.some((rule) => rule.objection({ first, kept, now: next.at }, requested) !== undefined);
}

/** The last step of a history is the one that is judged: an action that is asked for. */
const judged = (past: readonly Past[]): [Past[], Past] => {
  const last = past.at(-1) as Past;
  return [past.slice(0, -1), { ...last, step: { ...last.step, kind: 'permitted' } }];
};

describe('a compiled rule', () => {
  it('objects exactly if its formula holds of the whole history, within its bounds', () => {
    let [yes, no] = [0, 0];
    const distinct = fc
      .record({ within: fc.constantFrom('5s', '30s', 2, 5), at_least: fc.integer({ min: 2, max: 3 }) })
      .map((more): Formula => ({ count_distinct_within: { effects: [...EFFECTS], of: 'resources', ...more } }));
    fc.assert(
      fc.property(
        fc.oneof({ weight: 4, arbitrary: any }, { weight: 1, arbitrary: distinct }),
        pastOf(24, 1),
        (when, all) => {
          const [past, next] = judged(all);
          const expected = new NaiveRules(past).fires(ruleOf(when), next.step, next.at);
          expect(fires(compiled(when), past, next)).toBe(expected);
          if (expected) yes += 1;
          else no += 1;
        },
      ),
      { numRuns: 1_500 },
    );
    expect(Math.min(yes, no)).toBeGreaterThan(300);
  });

  it('is only stricter beyond its bounds', () => {
    const many = fc.array(fc.tuple(step, fc.nat(200)), { minLength: 90, maxLength: 140 }).map((all) =>
      all.map(([each, n], i): Past => {
        const resource = { type: 'file', id: `a/${n}` };
        return { step: { ...each, kind: 'permitted', resource }, at: i * 1_000 };
      }),
    );
    let stricter = 0;
    const effects = [...EFFECTS];
    const one = fc.oneof(
      any,
      fc.constant({ formerly: { effects, same: ['resource'] } }),
      fc.record({ within: fc.constantFrom('1m', '90s'), at_least: fc.integer({ min: 55, max: 92 }) }).map((more) => ({
        sum_within: { effects, of: 'calls', ...more },
      })),
      fc.record({ within: fc.constantFrom('10s', '20s'), at_least: fc.integer({ min: 5, max: 22 }) }).map((more) => ({
        count_distinct_within: { effects, of: 'resources', ...more },
      })),
    );
    const of = fc
      .tuple(one, fc.boolean())
      .map(([when, twice]) => (twice ? { not: { not: when } } : when)) as fc.Arbitrary<Formula>;
    fc.assert(
      fc.property(of, many, (when, all) => {
        const [past, next] = judged(all);
        const expected = new NaiveRules(past).fires(ruleOf(when), next.step, next.at);
        const found = fires(compiled(when), past, next);
        if (expected) expect(found).toBe(true);
        else if (found) stricter += 1;
      }),
      { numRuns: 400 },
    );
    expect(stricter).toBeGreaterThan(0);
  });

  it('judges the same however the steps are spread over runs, unless it names runs', () => {
    fc.assert(
      fc.property(any, pastOf(24, 1), (when, all) => {
        fc.pre(!JSON.stringify(when).includes('"run'));
        const [past, next] = judged(all);
        const alone = past.map((each) => ({ ...each, step: { ...each.step, runId: 'run_x' } }));
        expect(fires(compiled(when), alone, next)).toBe(fires(compiled(when), past, next));
      }),
      { numRuns: 300 },
    );
  });

  it('judges the same if what it keeps of a tree is stored and read back after every step', () => {
    const storedAgain = (kept: Kept | undefined) =>
      kept && keptOf(JSON.parse(JSON.stringify(keptRow(kept))) as KeptRow);
    fc.assert(
      fc.property(any, pastOf(24, 1), (when, all) => {
        const [past, next] = judged(all);
        const rules = compiled(when);
        expect(fires(rules, past, next, storedAgain)).toBe(fires(rules, past, next));
        const { kept } = treeAfter(rules, past, asIs);
        expect(storedAgain(kept)).toEqual(kept);
      }),
      { numRuns: 300 },
    );
  });

  it('is never milder for more past, unless it has not, never or since', () => {
    fc.assert(
      fc.property(growing, pastOf(12), pastOf(16, 1), (when, earlier, all) => {
        const [past, next] = judged(all);
        const start = all[0]?.at ?? 0;
        const more = [...earlier.map((each) => ({ ...each, at: Math.min(each.at, start) })), ...past];
        const rules = compiled(when);
        if (fires(rules, past, next)) expect(fires(rules, more, next)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps no more values of a tree than it states', () => {
    fc.assert(
      fc.property(any, pastOf(60), (when, past) => {
        const rules = compiled(when);
        const { kept } = treeAfter(rules, past, asIs);
        const values = JSON.stringify(kept ? keptRow(kept)[2].map(([, state]) => state) : [])
          .split(/[[\]{},:]+/)
          .filter((each) => each !== '' && each !== '"byKey"' && each !== '"lost"');
        const most = rules.operators.reduce((sum, each) => sum + each.values, 0);
        expect(values.length).toBeLessThanOrEqual(most);
      }),
      { numRuns: 200 },
    );
  });
});

describe('compileRules', () => {
  const faultsOf = (...rules: Partial<StatedRule>[]) => {
    const result = compileRules(
      rules.map((each, i) => ({ ...ruleOf({ formerly: { labels: ['x'] } }), name: `r${i}`, ...each })),
    );
    return result.ok ? [] : result.error.map(({ entry, path, message }) => `${entry} ${path.join('.')}: ${message}`);
  };

  it('reports faults of patterns, a name twice, and labels in flight that no step has', () => {
    expect(faultsOf({ on: { verbs: ['(a|b)'] } }).join()).toMatch(/^0 on\.verbs\.0/);
    expect(faultsOf({ when: { not: { once: { resource: { match: '!x' } } } } }).join()).toMatch(
      /^0 when\.not\.once\.resource\.match/,
    );
    expect(faultsOf({ name: 'same' }, { name: 'same' })).toEqual(['1 name: same is also the name of another rule']);
    expect(faultsOf({ on: { labels: ['open:send'] } }).join()).toContain('no step has open:send');
    expect(faultsOf({ when: { formerly: { labels: ['open:send'], within: '1m' } } }).join()).toContain('no step has');
    expect(faultsOf({ when: { formerly: { labels: ['open:send'] } } })).toEqual([]);
  });

  it('refuses rules that would keep too much of a tree', () => {
    const when = { count_distinct_within: { effects: ['read' as const], of: 'resources' as const, at_least: 256 } };
    const many = Array.from({ length: 20 }, (_, i) => ({
      when: { count_distinct_within: { ...when.count_distinct_within, within: `${i + 1}m` } },
    }));
    expect(faultsOf(...many.slice(0, 10))).toEqual([]);
    expect(faultsOf(...many).join()).toContain('values of each tree');
    const nested = Array.from({ length: 20 }).reduce<Formula>((not) => ({ not }), { formerly: { labels: ['x'] } });
    expect(faultsOf({ when: nested }).join()).toContain('more than 16 operators');
  });

  it('shares the state of equal operators, whatever their rules are called', () => {
    const count = { count_within: { effects: ['read' as const], within: '1m', at_least: 3 } };
    const both = compileRules([ruleOf(count), { ...ruleOf({ any: [count, count] }), name: 'other' }]);
    expect(both.ok && both.value.operators).toHaveLength(1);
  });
});
