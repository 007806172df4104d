import { checkBundle, type BundleFiles } from '../bundle';
import { diffWith } from '../diff/bundle-diff';
import { problemText } from '../problem';
import { runPolicyTests } from '../rehearsal/run-policy-tests';

const CONDITIONS = `catalog:
  - { match: [payment.refund], effects: [external], risk: low }
conditions:
  - cedar: |
      // refunds
      @id("large-refunds")
      @reason("use the finance tool")
      forbid (principal in Class::"bot", action == Action::"payment.refund", resource)
      when { context.cost has EUR && context.cost.EUR > 50000 };

      @id("owned")
      forbid (principal, action, resource in Type::"account")
      unless { resource.attributes.owner == "acme" };
  - cedar: '@id("nothing-private") forbid (principal, action, resource) when { context.labels.contains("private") };'
`;
const LEASE =
  "{ actions: { allow: ['payment.*'] }, resources: [{ type: '*', match: '**' }], budget: { calls: 9, external: 9, cost: { EUR: 99999 } } }";
const TEXT = `${CONDITIONS}tests:
  - name: A large refund is denied
    agent: { class: bot }
    lease: ${LEASE}
    call: { verb: payment.refund, resource: { type: refund, id: r-1 }, cost: { EUR: 50001 } }
    expect: { decision: deny, codes: [CONDITION_FORBIDS] }
  - name: A small refund is permitted
    agent: { class: bot }
    lease: ${LEASE}
    call: { verb: payment.refund, resource: { type: refund, id: r-1 }, cost: { EUR: 500 } }
    expect: { decision: permit }
  - name: A refund to an account that states no owner is denied
    lease: ${LEASE}
    call: { verb: payment.refund, resource: { type: account, id: a-1 } }
    expect: { decision: deny, codes: [CONDITION_UNDECIDED] }
  - name: A refund to an own account is permitted
    lease: ${LEASE}
    call: { verb: payment.refund, resource: { type: account, id: a-1, attributes: { owner: acme } } }
    expect: { decision: permit }
`;
const filesOf = (text: string): BundleFiles => ({ 'conditions.yaml': text });
const change = (from: string, to: string): string => {
  expect(TEXT).toContain(from);
  return TEXT.replace(from, to);
};
const checked = (text: string) => {
  const result = checkBundle(filesOf(text));
  if (!result.ok) throw new Error(result.error.map(problemText).join('\n'));
  return result.value;
};

describe('a bundle with conditions', () => {
  it('has no problems, and its tests hold', () => {
    expect(runPolicyTests(checked(TEXT)).map(problemText)).toEqual([]);
  });

  it.each([
    [
      'a permit',
      'forbid (principal, action, resource in Type::"account")',
      'permit (principal, action, resource)',
      '11:7',
      'is a permit; conditions only take away',
    ],
    ['a policy without an id', '@id("owned")', '', '12:7', 'needs an annotation @id("…")'],
    ['an id with a space', '@id("owned")', '@id("a b")', '11:7', 'needs an annotation @id("…")'],
    [
      'an id of two policies',
      '@id("owned")',
      '@id("large-refunds")',
      '11:7',
      '@id("large-refunds") is also that of another policy',
    ],
    [
      'an id of two entries',
      '@id("nothing-private")',
      '@id("owned")',
      '14:13',
      '@id("owned") is also that of another policy (conditions.yaml, line 4)',
    ],
    [
      'a template',
      'forbid (principal, action, resource in Type::"account")',
      'forbid (principal == ?principal, action, resource)',
      '11:7',
      'is a template',
    ],
    [
      'a misspelled variable',
      'forbid (principal, action, resource in',
      'forbid (principal, acton, resource in',
      '12:26',
      'is not Cedar',
    ],
    [
      'an operator that does not exist',
      'context.cost.EUR > 50000',
      'context.cost.EUR >> 50000',
      '9:56',
      'is not Cedar: unexpected token `>`',
    ],
    ['a policy that does not end', ' > 50000 };', ' > 50000 }', '11:7', 'is not Cedar'],
    ['an operator in a text of one line', '.contains("private")', '.contains("private") &', '14:', 'is not Cedar'],
    ['a function that does not exist', 'context.labels.contains', 'context.labels.holds', '14:', 'is not Cedar'],
    ['a comment alone', /@id\("nothing-private"\)[^']*/.exec(TEXT)?.[0] ?? '', '// later', '14:13', 'has no policies'],
    ['a misspelled member', "- cedar: '", "- cedr: '", '14:5', 'did you mean cedar'],
    ['another member', "- cedar: '", "- name: x\n    cedar: '", '14:5', 'unknown member name'],
  ])('is refused with the line and column of %s', (_, from, to, place, why) => {
    const result = checkBundle(filesOf(change(from, to)));
    const problems = result.ok ? [] : result.error.map(problemText);
    expect(problems.join('\n')).toContain(why);
    expect(problems.find((each) => each.includes(why))).toMatch(new RegExp(`^conditions\\.yaml:${place}`));
  });

  it.each([
    ['another amount', '> 50000', '> 60000', 'A large refund is denied'],
    ['another class', 'Class::"bot"', 'Class::"bots"', 'A large refund is denied'],
    [
      'a milder condition',
      'unless { resource.attributes.owner == "acme" }',
      'when { resource.attributes has owner && false }',
      'A refund to an account that states no owner is denied',
    ],
    [
      'a condition that is the wrong way round',
      'unless { resource',
      'when { resource',
      'A refund to an own account is permitted',
    ],
  ])('is caught by its own tests with %s', (_, from, to, test) => {
    expect(
      runPolicyTests(checked(change(from, to)))
        .map(problemText)
        .join('\n'),
    ).toContain(test);
  });

  it('is compared with another one by the ids of its policies', () => {
    const { sections } = diffWith(checked(TEXT).value, checked(change('> 50000', '> 60000')));
    expect(sections).toEqual([
      expect.objectContaining({ section: 'conditions', changed: { count: 1, names: ['large-refunds, owned'] } }),
    ]);
  });
});
