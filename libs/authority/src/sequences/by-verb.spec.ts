import fc from 'fast-check';
import type { Effect } from '@bailiwick/contracts/grants/grant';
import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { rulesAbout } from './by-verb';
import { compileRules } from './compile';
import { judgeByRules } from './judge-rules';
import { SHIPPED_RULES } from './shipped-rules';

const pattern = fc.constantFrom('file.*', '*.read', 'file.read', 'mail.send', '*', 'db.row.delete', 'db.**');
const rule = fc.record({
  verbs: fc.option(fc.array(pattern, { minLength: 1, maxLength: 3 }), { nil: undefined }),
  effects: fc.option(fc.constant<Effect[]>(['read']), { nil: undefined }),
});
const step = fc.record({
  verb: fc.option(fc.constantFrom('file.read', 'mail.send', 'db.row.delete', 'other.thing'), { nil: undefined }),
  effect: fc.constantFrom('read' as const, 'external' as const),
  labels: fc.subarray(['private', 'untrusted', 'read:secret']),
});

it('the rules about a verb object to a step as all rules do, in the same order', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 8 }), fc.array(step, { minLength: 1, maxLength: 6 }), (ons, steps) => {
      const stated = ons.map(({ verbs, effects }, i): PolicyRule => ({
        name: `rule-${i}`,
        on: { ...(verbs ? { verbs } : {}), ...(effects ? { effects } : {}) },
        when: { never: { labels: ['untrusted'] } },
        outcome: i % 2 === 0 ? 'ask' : 'note',
        says: 'no',
        examples: { fires: [], silent: [] },
      }));
      const compiled = compileRules([...SHIPPED_RULES, ...stated]);
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
      const { list } = compiled.value;
      const judge = judgeByRules();
      const plain = list.map(({ isAbout: _, ...each }) => each);
      for (const { verb, ...each } of steps) {
        const asked = { ...each, runId: 'run', ...(verb === undefined ? {} : { verb }) };
        const past = { first: { private: { actionId: 'a', runId: 'run', position: 1 } }, now: 0 };
        expect(judge({ ...past, rules: list }, asked)).toEqual(judge({ ...past, rules: plain }, asked));
      }
    }),
  );
});

it('leaves out the rules that name other verbs', () => {
  const compiled = compileRules(SHIPPED_RULES);
  if (!compiled.ok) throw new Error('the rules of the release do not compile');
  const named = { ...compiled.value.list[0], isAbout: (verb: string) => verb === 'a.b' } as never;
  expect(rulesAbout([named], 'a.b')).toHaveLength(1);
  expect(rulesAbout([named], 'a.c')).toHaveLength(0);
});
