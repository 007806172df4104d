import { checkBundle, type BundleFiles } from '../bundle';
import { problemText } from '../problem';
import { runPolicyTests } from '../rehearsal/run-policy-tests';

const AGENTS = `agents:
  - class: support-bot
    owner: support@example.com
    words: answers questions of customers
    most:
      time: { ttl: 8h }
      actions: { allow: ['customer.*', 'email.*'], deny: ['*.export'] }
      resources: [{ type: crm, match: '**' }, { type: mailbox, match: '**' }]
      budget: { calls: 200, windows: [{ per: day, timezone: Europe/Berlin, calls: 100 }] }
      delegation: { depth: 1, classes: [summarizer] }
      risk: { ceiling: medium }
    lease:
      time: { ttl: 1h }
      budget: { calls: 50 }
    hours: { days: [mon, tue, wed, thu, fri], from: '08:00', until: '18:00', timezone: Europe/Berlin }
    beyond: refuse
  - class: '*'
    owner: platform@example.com
    most: { actions: { mode: draft } }
tests:
  - name: A support bot reads customers at work
    agent: { class: support-bot }
    at: 2026-01-05T09:00:00Z
    lease: { actions: { allow: ['customer.*'] }, resources: [{ type: crm, match: '**' }] }
    call: { verb: customer.read, resource: { type: crm, id: customers/7 } }
    expect: { decision: permit }
  - name: A support bot does nothing at night
    agent: { class: support-bot }
    at: 2026-01-05T20:00:00Z
    lease: { actions: { allow: ['customer.*'] }, resources: [{ type: crm, match: '**' }] }
    call: { verb: customer.read, resource: { type: crm, id: customers/7 } }
    expect: { decision: deny, codes: [OUTSIDE_HOURS] }
  - name: A support bot never has all verbs
    agent: { class: support-bot }
    lease: { actions: { allow: ['**'] }, resources: [{ type: crm, match: '**' }] }
    call: { verb: customer.read, resource: { type: crm, id: customers/7 } }
    expect: { decision: deny, codes: [BEYOND_MANIFEST] }
  - name: Any other class has draft mode
    lease: { actions: { allow: ['**'], mode: execute }, resources: [{ type: crm, match: '**' }] }
    call: { verb: customer.read, resource: { type: crm, id: customers/7 } }
    expect: { decision: deny, codes: [BEYOND_MANIFEST] }
`;
const filesOf = (text: string): BundleFiles => ({ 'agents.yaml': text });
const change = (from: string, to: string): string => {
  expect(AGENTS).toContain(from);
  return AGENTS.replace(from, to);
};

describe('a bundle with agents', () => {
  it('has no problems, and its tests hold', () => {
    const checked = checkBundle(filesOf(AGENTS));
    if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
    expect(runPolicyTests(checked.value).map(problemText)).toEqual([]);
    expect(checked.value.value.agents).toHaveLength(2);
  });

  it.each([
    ['a manifest without an owner', '    owner: support@example.com\n', '', '2:5', 'the member owner is missing'],
    ['a misspelled member', 'owner: support', 'ownr: support', '3:5', 'did you mean owner'],
    [
      'a member of leases that no manifest bounds',
      'ttl: 8h }',
      'ttl: 8h, notBefore: x }',
      '6:24',
      'unknown member notBefore',
    ],
    ['caps that are set aside', 'calls: 200,', 'calls: 200, reserve: true,', '9:29', 'unknown member reserve'],
    [
      'a class of two manifests',
      "class: '*'",
      'class: support-bot',
      '17:12',
      'has another manifest (agents.yaml, line 2)',
    ],
    ['a class of several words', "class: '*'", 'class: other bots', '17:12', 'must be one word'],
    ['a malformed pattern', "'customer.*'", "'customer..*'", '7:26', 'empty segment'],
    ['a pattern of another language', "'*.export'", "'(a|b)'", '7:59', 'agents.0.most.actions.deny.0'],
    [
      'an unknown time zone of a window',
      'timezone: Europe/Berlin, calls',
      'timezone: Europe/Berlim, calls',
      '9:',
      'not a known time zone',
    ],
    [
      'an unknown time zone of the hours',
      'timezone: Europe/Berlin }\n',
      'timezone: Europe/Berlim }\n',
      '15:88',
      'not a known time zone',
    ],
    ['hours that end before they start', "until: '18:00'", "until: '07:00'", '15:12', 'from must be before until'],
    ['a time of the day that does not exist', "until: '18:00'", "until: '25:00'", '15:69', 'must be a time of the day'],
    ['a day that does not exist', 'days: [mon', 'days: [moon', '15:21', 'did you mean mon'],
    [
      'a default lease beyond the most',
      'calls: 50',
      'calls: 500',
      '14:24',
      'the default lease would have 500 calls; the manifest has 200',
    ],
    ['a default lease that lasts too long', 'ttl: 1h', 'ttl: 9h', '13:', 'the default lease would'],
    ['an answer that does not exist', 'beyond: refuse', 'beyond: refuses', '16:13', 'did you mean refuse'],
    ['no manifests', AGENTS, 'agents: []\n', '1:1', 'without manifests no class is bounded'],
  ])('is refused with the line and column of %s', (_, from, to, place, why) => {
    const checked = checkBundle(filesOf(change(from, to)));
    const problems = checked.ok ? [] : checked.error.map(problemText);
    expect(problems.join('\n')).toContain(why);
    expect(problems.find((each) => each.includes(why))).toMatch(new RegExp(`^agents\\.yaml:${place}`));
  });

  it.each([
    ['wider actions', "allow: ['customer.*', 'email.*']", "allow: ['**']", 'A support bot never has all verbs'],
    ['longer hours', "until: '18:00'", "until: '24:00'", 'A support bot does nothing at night'],
    ['a milder mode of all others', 'mode: draft', 'mode: execute', 'Any other class has draft mode'],
    [
      'another class',
      'class: support-bot\n    owner',
      'class: sales-bot\n    owner',
      'A support bot does nothing at night',
    ],
  ])('is caught by its own tests with %s', (_, from, to, test) => {
    const checked = checkBundle(filesOf(change(from, to)));
    if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
    expect(runPolicyTests(checked.value).map(problemText).join('\n')).toContain(test);
  });

  it('fails a test whose lease is refused for another reason than a manifest', () => {
    const text = change(
      "lease: { actions: { allow: ['**'] }, resources",
      "lease: { actions: { allow: ['..'] }, resources",
    );
    const checked = checkBundle(filesOf(text));
    if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
    expect(runPolicyTests(checked.value).map(problemText).join('\n')).toContain(
      'the lease is refused: grant.actions.allow',
    );
  });
});
