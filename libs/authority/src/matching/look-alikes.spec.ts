import { approvalView, type ApprovalFacts } from '../presentation/approval-view';
import type { Event } from '@bailiwick/contracts/events/event';
import { Reach } from '../revocation/reach';
import { act, delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';

const Q = 'qb\u043et';
const REV = 'rev_0_00000000000000000000000001';
const RUN = { principalRef: REF, purposeRef: REF, grant: ROOMY };

/** Opens an agent in a log that predates the refusal of its name. */
function withStored(agent: object): { log: TestLog; grantId: string } {
  const log = new TestLog();
  const { grantId, runId } = openTestRun(log);
  const run = log.state.runs.get(runId)!;
  Object.assign(run, { agent: { ...run.agent, ...agent } });
  return { log, grantId };
}
const revoke = (log: TestLog, selector: object, quarantine = false): Event[] =>
  log.do('revokeSelector', { revocationId: REV, selector, quarantine, force: true });

describe('a new name that looks like another', () => {
  it.each<[string, object]>([
    ['a class', { class: Q }],
    ['a class in capitals', { class: 'QB\u041eT' }],
    ['a class all in another script', { class: '\u0441\u043e\u0441' }],
    ['an instance', { class: 'a', instance: Q }],
    ['a model', { class: 'a', posture: { model: Q } }],
    ['a model version', { class: 'a', posture: { modelVersion: '2026\u201006' } }],
    ['an environment', { class: 'a', posture: { environment: 'pr\u043ed' } }],
  ])('is refused: %s', (_what, agent) => {
    const log = new TestLog();
    const refusal = { refusal: { code: 'BAD_REQUEST', detail: expect.stringMatching(/mixes|reads like/) } };
    expect(log.try('openRun', { agent, ...RUN } as never)).toMatchObject(refusal);
    const { grantId } = openTestRun(log);
    expect(log.try('delegate', { grantId, agent, purposeRef: REF, grant: {} } as never)).toMatchObject(refusal);
  });

  it.each<[string, object]>([
    ['delegation.classes', { delegation: { depth: 1, children: 1, classes: [Q] } }],
    ['posture', { posture: { agentClass: [Q] } }],
    ['posture.environment', { posture: { environment: ['pr\u043ed'] } }],
    ['delegatedSources', { purpose: { delegatedSources: ['m\u0430il'] } }],
  ])('is refused in %s', (_what, grant) => {
    expect(
      new TestLog().try('openRun', { agent: { class: 'a' }, ...RUN, grant: { ...ROOMY, ...grant } }),
    ).toMatchObject({ refusal: { detail: expect.stringContaining('mixes letters of Cyrillic and Latin') } });
  });

  it.each(['agentClass', 'agentInstance', 'modelVersion', 'tool'])('is refused in the selector’s %s', (key) => {
    const selector = { [key]: Q };
    expect(new TestLog().try('revokeSelector', { revocationId: REV, selector, force: true })).toMatchObject({
      refusal: { code: 'BAD_REQUEST', detail: expect.stringContaining(`selector.${key}`) },
    });
  });

  it('is refused as the name of a tool', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const call = { grantId, resource: { type: 'file', id: 'x' }, proof: { vouched: true as const } };
    expect(log.try('authorize', { ...call, action: { verb: 'file.read', tool: 'depl\u043ey' } })).toMatchObject({
      refusal: { code: 'BAD_REQUEST', detail: expect.stringContaining('action.tool') },
    });
  });
});

describe('a stored name that looks like another', () => {
  it.each<[string, object, object]>([
    ['class', { class: Q }, { agentClass: 'qbot' }],
    ['class in capitals', { class: 'QB\u041eT' }, { agentClass: 'qbot' }],
    ['class in Greek letters', { class: 'qb\u03bft' }, { agentClass: 'QBOT' }],
    ['class in Greek capitals', { class: '\u0397\u039f\u03a1\u0395' }, { agentClass: 'hope' }],
    ['class all in Cyrillic', { class: '\u0445\u043e\u0440\u0435' }, { agentClass: 'xope' }],
    ['class in Cherokee', { class: '\u13f4\u13aa\u13f3' }, { agentClass: 'bag' }],
    ['class in Armenian capitals', { class: '\u054f\u0555\u054d\u053c' }, { agentClass: 'soul' }],
    ['instance in mathematical letters', { instance: '\u{1d5db}\u{1d5e2}' }, { agentInstance: 'ho' }],
    ['instance with two spaces', { instance: 'runner  7' }, { agentInstance: 'Runner 7' }],
    ['instance with a no-break space', { instance: 'runner\u00a07' }, { agentInstance: 'runner 7' }],
    ['full-width model version', { posture: { modelVersion: '\uff12' } }, { modelVersion: '2' }],
  ])('is struck by the revocation of the name it resembles: %s', (_what, agent, selector) => {
    const { log, grantId } = withStored(agent);
    const child = delegateTestRun(log, grantId);
    const reached = new Reach(log.state, { selector }, log.now);
    expect([...log.state.grants.values()].map((grant) => reached.grant(grant).ends)).toEqual([true, true]);
    revoke(log, selector);
    for (const id of [grantId, child.grantId]) expect(act(log, id, 'file.read').type).toBe('ActionDenied');
  });

  it('spares a name that merely resembles it', () => {
    const { log, grantId } = withStored({ class: 'worker-l' });
    revoke(log, { agentClass: 'worker-1' });
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
  });
});

describe('a tool', () => {
  it.each(['deploy  tool', 'deploy\u00a0tool', 'Deploy\u2003Tool', 'DEPLOY TOOL'])(
    'called %j does not escape the revocation of "deploy tool"',
    (tool) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log);
      revoke(log, { tool: 'deploy tool' });
      expect(act(log, grantId, 'file.read', { action: { verb: 'file.read', tool } }).type).toBe('ActionDenied');
    },
  );

  it('and an instance name are stored with single spaces', () => {
    const log = new TestLog();
    log.do('openRun', { agent: { class: 'a', instance: 'runner  7' }, ...RUN });
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.read', { action: { verb: 'file.read', tool: 'deploy\u00a0 tool' } });
    expect(JSON.stringify(log.events)).toContain('"instance":"runner 7"');
    expect(JSON.stringify(log.events)).toContain('"tool":"deploy tool"');
  });
});

it('quarantine of a class refuses new leases of every class that looks like it, unless the name itself is refused', () => {
  const log = new TestLog();
  revoke(log, { agentClass: 'qbot' }, true);
  for (const name of ['qbot', 'QBot', Q, '\uff51bot', 'q\u0412ot'])
    log.try('openRun', { agent: { class: name }, ...RUN });
  expect(log.events.filter((event) => event.type === 'GrantIssued')).toEqual([]);
});

describe('an approver’s card', () => {
  it('marks unusual characters in the class, the tool, the resource and the limits', () => {
    const { log, grantId } = withStored({ class: Q });
    const stepUp = act(log, grantId, 'thing.delete', { resource: { type: 'file', id: 's\u0435cret' } });
    const forged = { ...stepUp, data: { ...stepUp.data, tool: 'depl\u043ey' } };
    const approval = [...log.state.approvals.values()][0]!;
    const run = log.state.runs.get(approval.runId)!;
    const texts = { purpose: 'p', requestedBy: 'user:x' };
    const facts = {
      run,
      texts,
      stepUp: forged,
      args: undefined,
      asked: {},
      decided: {},
      tried: [],
      refused: [],
      has: undefined,
    };
    const card = approvalView(approval, 'pending', facts as unknown as ApprovalFacts);
    expect(card.asks).toContain(`the ${Q} [contains U+043E CYRILLIC SMALL LETTER O] do`);
    expect(card.asks).toContain('“depl\u043ey” [contains U+043E CYRILLIC SMALL LETTER O]');
    expect(card.asks).toContain('“file s\u0435cret” [contains U+0435 CYRILLIC SMALL LETTER IE]');
  });
});
