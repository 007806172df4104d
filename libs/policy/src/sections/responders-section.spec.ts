import { checkBundle } from '../bundle';
import { problemText } from '../problem';

const RESPONDERS = `rules:
  - name: mass-export
    on: { verbs: ['crm.export'] }
    when: { count_within: { verbs: ['crm.export'], within: 1h, at_least: 2 } }
    outcome: note
    says: Many exports.
    examples: { fires: [[{ verb: crm.export, times: 2 }]], silent: [[{ verb: crm.export }]] }
responders:
  - name: canary-touched
    on: { canary: { verbs: ['vault.*'], tools: [open_vault], resource: { type: secret, match: 'prod/canary' } } }
    do: suspend
    select: class
    lasts: 1h
    quarantine: true
    limit: { most: 2, within: 1h }
    says: Inspect the run.
  - name: exported
    on: { rule: { names: [mass-export], classes: [crm-bot] } }
    do: prepare
    select: tree
    limit: { most: 5, within: 1d }
    says: Many exports.
  - name: denied-often
    on: { denials: { at_least: 100, within: 10m, classes: [crm-bot] } }
    do: prepare
    select: model
    limit: { most: 5, within: 1d }
    says: Denied again and again.
  - name: spent
    on: { spend: { of: cost.USD, at_least: 50000, within: 1h } }
    do: suspend
    select: principal
    limit: { most: 1, within: 1d }
    says: Spent a lot.
`;

describe('a bundle with responders', () => {
  it('has no problems', () => {
    const checked = checkBundle({ 'a.yaml': RESPONDERS });
    if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
    expect(checked.value.responders.map(({ name }) => name)).toEqual([
      'canary-touched',
      'exported',
      'denied-often',
      'spent',
    ]);
  });

  it.each([
    ['a trigger that does not exist', 'canary: {', 'canery: {', '10:', 'did you mean canary'],
    ['two triggers', 'on: { rule:', 'on: { drift: { at_least: 1 }, rule:', '18:', 'exactly one trigger'],
    ['no limit', '    limit: { most: 2, within: 1h }\n', '', '9:5', 'the member limit is missing'],
    ['a limit of none', 'most: 2,', 'most: 0,', '15:20', '1'],
    ['a limit beyond the largest', 'most: 2,', 'most: 101,', '15:20', '100'],
    ['a preparation that lasts', 'select: tree', 'select: tree\n    lasts: 1h', '21:12', 'only a suspension lasts'],
    [
      'a preparation that quarantines',
      'select: tree',
      'select: tree\n    quarantine: true',
      '21:',
      'only a suspension',
    ],
    ['an end of leases', 'do: suspend', 'do: revoke', '11:9', 'suspend'],
    ['a selection that does not exist', 'select: class', 'select: clas', '12:13', 'did you mean class'],
    ['a rule that does not exist', 'names: [mass-export]', 'names: [mass-exprt]', '18:27', 'did you mean mass-export'],
    [
      'a canary of everything',
      "verbs: ['vault.*'], tools: [open_vault], resource: { type: secret, match: 'prod/canary' }",
      'classes: [x]',
      '10:',
      'no honest run touches',
    ],
    ['a malformed pattern', "'vault.*'", "'vault..*'", '10:29', 'empty segment'],
    [
      'a drift of nothing',
      'on: { rule: { names: [mass-export], classes: [crm-bot] } }',
      'on: { drift: { at_least: 0 } }',
      '18:',
      '0',
    ],
    ['a rate of none', 'at_least: 100', 'at_least: 0', '24:', '1'],
    ['a window without end', 'within: 10m', 'within: 31d', '24:', '30 days'],
    ['an amount of something unknown', 'of: cost.USD', 'of: money', '30:', 'cost.USD'],
    [
      'two of one name',
      'name: exported',
      'name: canary-touched',
      '17:11',
      'is also another responder (a.yaml, line 9)',
    ],
    ['words that are missing', '    says: Spent a lot.\n', '', '29:5', 'the member says is missing'],
  ])('is refused with the line and column of %s', (_, from, to, place, why) => {
    expect(RESPONDERS).toContain(from);
    const checked = checkBundle({ 'a.yaml': RESPONDERS.replace(from, to) });
    const problems = checked.ok ? [] : checked.error.map(problemText);
    expect(problems.join('\n')).toContain(why);
    expect(problems.find((each) => each.includes(why))).toMatch(new RegExp(`^a\\.yaml:${place}`));
  });
});
