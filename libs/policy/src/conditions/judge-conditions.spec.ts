import fc from 'fast-check';
import type { ConditionObjection, Conditions } from '@bailiwick/authority/conditions/port';
import { facts as factsOf } from '@bailiwick/authority/testing/facts';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import { judgeConditions, judgePlainly } from './judge-conditions';
import { cedar } from './library';

const ZERO = { calls: 1, reads: 0, writes: 0, external: 0, cost: {} };
interface Fields {
  facts?: Parameters<typeof factsOf>[0];
  attributes?: Record<string, Attribute>;
  cost?: Record<string, number>;
  labels?: string[];
  agentClass?: string;
}
const call = ({ facts = {}, attributes = {}, cost = {}, labels = [], agentClass = 'worker' }: Fields = {}) => ({
  run: { id: 'run_1', treeId: 'tre_1', agent: { class: agentClass, instance: 'i-1' }, principalRef: 'ref_ada' },
  facts: factsOf({ ...facts, resource: { type: 'file', id: 'a/b', attributes } }),
  labels,
  charge: { ...ZERO, cost },
});
const policies = (...texts: string[]): Conditions => ({ texts });
const forbid = (id: string, scope: string, when = '', says = ''): string =>
  `@id("${id}")${says === '' ? '' : `@reason("${says}")`} forbid (${scope})${when === '' ? '' : ` when { ${when} }`};`;
const ANY = 'principal, action, resource';
const idsOf = (conditions: Conditions, fields?: Fields): (string | undefined)[] =>
  judgeConditions(conditions, call(fields)).map(({ id }) => id);

describe('judgeConditions', () => {
  it('returns the policies that forbid a call, in the order of their ids, with their texts for people', () => {
    const conditions = policies(
      forbid('two', ANY, 'context.risk == "low"'),
      `${forbid('one', 'principal in Class::"worker", action == Action::"file.read", resource', '', 'not now')}\n${forbid('other', 'principal in Class::"x", action, resource')}`,
    );
    expect(judgeConditions(conditions, call())).toEqual([{ id: 'one', says: 'not now' }, { id: 'two' }]);
    expect(judgeConditions(conditions, call({ agentClass: 'y', facts: { risk: 'high' } }))).toEqual([]);
  });

  it.each<[string, string, Fields]>([
    [
      'the noun of the verb',
      forbid('c', 'principal, action in Action::"repo.branch", resource'),
      { facts: { verb: 'repo.branch.create' } },
    ],
    ['the type of the resource', forbid('c', 'principal, action, resource in Type::"file"'), {}],
    ['the resource itself', forbid('c', 'principal, action, resource == Resource::"a/b"'), {}],
    ['the run', forbid('c', 'principal == Run::"run_1", action, resource'), {}],
    ['the person', forbid('c', ANY, 'principal.principalRef == "ref_ada" && principal.tree == "tre_1"'), {}],
    ['the instance', forbid('c', ANY, 'principal has instance && principal.instance like "i-*"'), {}],
    ['an amount', forbid('c', ANY, 'context.cost has EUR && context.cost.EUR > 500'), { cost: { EUR: 501 } }],
    ['a label', forbid('c', ANY, 'context.labels.contains("private")'), { labels: ['private'] }],
    [
      'an effect',
      forbid('c', ANY, 'context.effects.contains("exec")'),
      { facts: { effect: 'exec', effects: ['read', 'exec'] } },
    ],
    ['the stage', forbid('c', ANY, 'context.stage == "draft"'), {}],
    ['the tool', forbid('c', ANY, 'context has tool && context.tool == "Bash"'), { facts: { tool: 'Bash' } }],
    [
      'the posture',
      forbid('c', ANY, 'context.posture.environment == "dev"'),
      { facts: { currentPosture: { environment: 'dev' } } },
    ],
    ['what the run states', forbid('c', ANY, 'context.stated'), { facts: { stated: 'run' } }],
    ['an attribute', forbid('c', ANY, 'resource.attributes.owner == "ann"'), { attributes: { owner: 'ann' } }],
    [
      'a list',
      forbid('c', ANY, 'resource.attributes.tags.containsAny(["a", "b"])'),
      { attributes: { tags: ['b', 'c'] } },
    ],
    [
      'a decimal',
      forbid('c', ANY, 'resource.attributes.rate.greaterThan(decimal("1.25"))'),
      { attributes: { rate: 1.5 } },
    ],
    ['the whole context', forbid('c', ANY, '{ c: context }.c.verb == "file.read"'), {}],
  ])('lets a policy read %s', (_, text, fields) => {
    expect(judgeConditions(policies(text), call(fields))).toEqual([{ id: 'c' }]);
    const never = { facts: { verb: 'x', risk: 'high', stage: 'execute' as const }, agentClass: 'none' } as Fields;
    const without = policies(text.replace(/(forbid \([^)]*\))(?: when \{(.*)\})?;$/, '$1 when { false };'));
    expect(judgeConditions(without, call({ ...fields, ...never }))).toEqual([]);
  });

  it.each<[string, string, Fields]>([
    ['a missing attribute', 'resource.attributes.owner == "ann"', {}],
    ['a value of another type', 'resource.attributes.amount > 5', { attributes: { amount: '7' } }],
    [
      'a number that Cedar cannot have',
      'resource.attributes has amount && resource.attributes.amount > 5',
      { attributes: { amount: 7.123456 } },
    ],
    ['a number beyond those that are exact', 'resource.attributes.amount > 5', { attributes: { amount: 1e300 } }],
    ['an overflow', 'context.cost.EUR * 9223372036854775807 > 0', { cost: { EUR: 2 } }],
  ])('takes a policy as forbidding that cannot be decided for %s, and names it', (_, when, fields) => {
    const [objection, ...others] = judgeConditions(
      policies(forbid('c', ANY, when), forbid('d', ANY, 'false')),
      call(fields),
    );
    expect(others).toEqual([]);
    expect(objection).toMatchObject({ id: 'c', fault: expect.stringMatching(/./) });
  });

  it.each([
    ['is not Cedar', 'forbid (principal, acton, resource);'],
    ['permits', '@id("c") permit (principal, action, resource);'],
    ['has no id', 'forbid (principal, action, resource);'],
    ['has an id twice', `${forbid('c', ANY)} ${forbid('c', ANY)}`],
  ])('forbids everything if a text %s', (_, text) => {
    expect(judgeConditions(policies(text), call())).toEqual([{ id: undefined, fault: expect.stringMatching(/./) }]);
  });

  it.each([
    ['==', 'action == Action::"file.read"'],
    ['in a noun', 'action in Action::"file"'],
    ['in a list', 'action in [Action::"mail", Action::"file.read"]'],
    ['in a list of one', 'action in [Action::"file"]'],
  ])('applies a policy whose action is %s to no other verb', (_, action) => {
    const conditions = policies(forbid('c', `principal, ${action}, resource`, 'resource.attributes.owner == "ann"'));
    expect(idsOf(conditions)).toEqual(['c']);
    expect(idsOf(conditions, { attributes: { owner: 'ann' } })).toEqual(['c']);
    expect(idsOf(conditions, { attributes: { owner: 'bob' } })).toEqual([]);
    for (const verb of ['files.read', 'x.file.read', 'read'])
      expect(idsOf(conditions, { facts: { verb } })).toEqual([]);
  });

  it('keeps the policies of more bundles apart than it keeps at a time', () => {
    const all = Array.from({ length: 70 }, (_, i) => policies(forbid(`c${i}`, ANY)));
    for (let round = 0; round < 2; round++)
      for (const [i, each] of all.entries()) expect(idsOf(each)).toEqual([`c${i}`]);
  });

  it('answers a call the same after calls that differ in any part of it', () => {
    const conditions = [
      forbid('a', ANY, 'context.cost has EUR && context.cost.EUR > 1'),
      forbid(
        'b',
        'principal in Class::"worker", action, resource',
        'resource.attributes has owner && resource.attributes.owner == "ann"',
      ),
      forbid('c', 'principal, action in Action::"file", resource', 'context.labels.contains("private")'),
      forbid('d', 'principal, action, resource', 'resource.id == "a/b" && context.risk == "high"'),
    ];
    const shared = policies(...conditions);
    fc.assert(
      fc.property(
        fc.record({
          cost: fc.constantFrom<Record<string, number>[]>({}, { EUR: 1 }, { EUR: 2 }),
          attributes: fc.constantFrom<Record<string, Attribute>[]>({}, { owner: 'ann' }, { owner: 'bob', x: 1 }),
          labels: fc.subarray(['private', 'x']),
          agentClass: fc.constantFrom('worker', 'helper'),
          facts: fc.record({
            verb: fc.constantFrom('file.read', 'mail.send'),
            risk: fc.constantFrom('low' as const, 'high' as const),
          }),
        }),
        (fields) => {
          const expected = [
            ...((fields.cost.EUR ?? 0) > 1 ? ['a'] : []),
            ...(fields.agentClass === 'worker' && fields.attributes.owner === 'ann' ? ['b'] : []),
            ...(fields.facts.verb === 'file.read' && fields.labels.includes('private') ? ['c'] : []),
            ...(fields.facts.risk === 'high' ? ['d'] : []),
          ];
          expect(idsOf(shared, fields)).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  const paths = ['context.cost.EUR', 'context.units.tokens', 'resource.attributes.size'] as const;
  const constants = fc.constantFrom(-1, 0, 1, 2, 5, 9);
  const comparison = fc
    .record({
      path: fc.constantFrom(...paths),
      order: fc.constantFrom('<', '<=', '>', '>=', '==', '!='),
      to: constants,
    })
    .map(({ path, order, to }) => `${path} ${order} ${to}`);
  const reversed = fc
    .record({ path: fc.constantFrom(...paths), to: constants })
    .map(({ path, to }) => `${to} < ${path}`);
  const other = fc.constantFrom(
    'context.cost.EUR == context.units.tokens',
    'context.cost.EUR + 1 > 5',
    'context.cost == { EUR: 2 }',
    'resource.attributes.size == "2"',
    'context.cost has EUR',
    '[context.cost.EUR].contains(2)',
    'resource.attributes.size.lessThan(decimal("1.5"))',
    'context.labels.contains("private")',
  );
  const clause = fc.oneof({ weight: 6, arbitrary: fc.oneof(comparison, reversed) }, { weight: 1, arbitrary: other });
  const when = fc
    .array(clause, { minLength: 1, maxLength: 3 })
    .chain((all) => fc.constantFrom(all.join(' && '), all.join(' || '), `!(${all.join(' || ')})`));
  const scope = fc.constantFrom(
    ANY,
    'principal in Class::"worker", action, resource',
    'principal, action in Action::"file", resource',
    'principal, action == Action::"mail.send", resource in Type::"file"',
  );
  const value = fc.oneof(fc.constantFrom(-2, -1, 0, 1, 2, 3, 5, 6, 9, 100), fc.constantFrom(1.5, 1e300, '2', true));
  const amounts = fc.dictionary(fc.constantFrom('EUR', 'USD', 'tokens'), fc.integer({ min: -2, max: 10 }));
  const fields = fc.record({
    cost: amounts,
    units: amounts,
    attributes: fc.dictionary(fc.constantFrom('size', 'owner'), value),
    labels: fc.subarray(['private', 'x']),
    agentClass: fc.constantFrom('worker', 'helper'),
    facts: fc.record({ verb: fc.constantFrom('file.read', 'mail.send') }),
  });

  it('answers each call as an evaluation of all policies by the whole call, whatever calls came before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(scope, when), { minLength: 1, maxLength: 5 }),
        fc.array(fields, { minLength: 1, maxLength: 30 }),
        (texts, calls) => {
          const conditions = policies(...texts.map(([head, body], i) => forbid(`c${i}`, head, body)));
          const brief = (objections: readonly ConditionObjection[]) =>
            objections.map(({ id, fault }) => [id, fault === undefined]);
          for (const { units, ...each } of calls) {
            const asked = call(each);
            const full = { ...asked, charge: { ...asked.charge, units } };
            expect(brief(judgeConditions(conditions, full))).toEqual(brief(judgePlainly(conditions, full)));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('asks Cedar once for all amounts that lie between the same constants', () => {
    const evaluate = jest.spyOn(cedar(), 'statefulIsAuthorized');
    const conditions = policies(forbid('c', ANY, 'context.cost has EUR && context.cost.EUR > 500'));
    for (let amount = 0; amount < 1_000; amount++)
      judgeConditions(conditions, call({ cost: { EUR: amount, USD: amount } }));
    expect(evaluate).toHaveBeenCalledTimes(3); // below, at and above it
    evaluate.mockRestore();
  });
});
