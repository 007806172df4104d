import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { deriveId } from '@bailiwick/core/derive-id';
import { act, delegateTestRun, only, REF, ROOMY, TestLog } from '../testing/harness';
import { preview, previewInPieces } from './blast-radius';
import { selectorFault } from './selector-fault';

const BOB = { kind: 'person', id: 'key:approver' } as const;
const POSTURE = { modelVersion: '2026-06', environment: 'prod', imageDigest: 'sha256:abc' };

/** Opens a run of a class, and returns its lease. */
function open(log: TestLog, agentClass: string, posture: object = {}, grant: object = {}): string {
  const events = log.do('openRun', {
    agent: { class: agentClass, posture },
    principalRef: REF,
    purposeRef: REF,
    grant: { ...ROOMY, ...grant },
  });
  return only(events, 'GrantIssued').grantId as string;
}
let rules = 0;
function revoke(log: TestLog, selector: StoredSelector, more: object = {}): void {
  const revocationId = deriveId('revocation', 0, `rule ${(rules += 1)}`);
  log.do('revokeSelector', { revocationId, selector, force: true, actor: BOB, ...more });
}
const may = (log: TestLog, grantId: string, verb = 'file.read'): boolean =>
  act(log, grantId, verb).type === 'ActionPermitted';
const count = (log: TestLog, selector: StoredSelector): number =>
  preview(log.state, { selector }, log.now).counts.grants;

describe('a selector', () => {
  it.each<[string, StoredSelector, boolean]>([
    ['an environment', { environment: 'prod' }, true],
    ['an environment in other letters', { environment: 'PROD' }, true],
    ['another environment', { environment: 'test' }, false],
    ['an image', { imageDigest: 'sha256:abc' }, true],
    ['a time before the run', { issuedAfter: '2026-01-01T00:00:00Z' }, true],
    ['a time after the run', { issuedAfter: '2027-01-01T00:00:00Z' }, false],
    ['a resource that it covers', { resource: { type: 'file', match: 'a/**' } }, true],
    ['one of several', { any: [{ agentClass: 'other' }, { modelVersion: '2026-06' }] }, true],
    ['none of several', { any: [{ agentClass: 'other' }, { modelVersion: '2026-05' }] }, false],
    ['all of several', { all: [{ agentClass: 'bot' }, { environment: 'prod' }] }, true],
    ['not all of several', { all: [{ agentClass: 'bot' }, { environment: 'test' }] }, false],
    ['all but what it is not', { agentClass: 'bot', not: { environment: 'test' } }, true],
    ['all but what it is', { agentClass: 'bot', not: { environment: 'prod' } }, false],
    ['a time within one of several', { any: [{ issuedBefore: '2027-01-01T00:00:00Z' }] }, true],
    ['a time before it within one of several', { any: [{ issuedBefore: '2025-01-01T00:00:00Z' }] }, false],
  ])('of %s counts and stops the same leases', (_what, selector, selected) => {
    const log = new TestLog();
    const grantId = open(log, 'bot', POSTURE);
    expect(count(log, selector)).toBe(selected ? 1 : 0);
    revoke(log, selector);
    expect(may(log, grantId)).toBe(!selected);
  });

  it('in doubt selects: `not` spares a name only as it is written', () => {
    const log = new TestLog();
    const [spared, alike] = [open(log, 'browser-agent'), open(log, 'Browser-Agent')];
    revoke(log, { not: { agentClass: 'browser-agent' } });
    expect([may(log, spared), may(log, alike)]).toEqual([true, false]);
  });

  it('of an approver stops what that person approved, before and after the rule', () => {
    const log = new TestLog();
    const ask = (): string =>
      only(
        log.do('openRun', {
          agent: { class: 'bot' },
          principalRef: REF,
          purposeRef: REF,
          grant: ROOMY,
          requireApproval: true,
        }),
        'ApprovalRequested',
      ).data.approvalId;
    const approve = (approvalId: string, id: string) =>
      log.try('decideApproval', { approvalId, verdict: 'approve', actor: { kind: 'person', id } });
    const given = [ask(), ask()].map((each, i) => approve(each, ['key:eve', 'key:bob'][i] as string));
    const [byEve, byBob] = given.map(
      (each) => only('events' in each ? each.events : [], 'GrantIssued').grantId as string,
    ) as [string, string];
    const pending = ask();
    revoke(log, { approver: 'key:eve' }, { quarantine: true });
    expect([may(log, byEve), may(log, byBob)]).toEqual([false, true]);
    const late = approve(pending, 'key:eve');
    expect('events' in late ? late.events.map(({ type }) => type) : []).not.toContain('GrantIssued');
    expect('events' in approve(pending, 'key:bob')).toBe(true);
  });
});

describe('a selector of verbs by pattern', () => {
  it('denies these verbs, and the leases live on', () => {
    const log = new TestLog();
    const grantId = open(log, 'bot');
    revoke(log, { verb: 'deploy.*' });
    expect([may(log, grantId, 'deploy.run'), may(log, grantId, 'file.read')]).toEqual([false, true]);
  });

  it('ends the leases that could use one of them, if the operator chooses so; the preview counts both', () => {
    const log = new TestLog();
    const [deployer, reader] = [open(log, 'bot'), open(log, 'bot', {}, { actions: { allow: ['file.*'] } })];
    const { counts, targets } = preview(log.state, { selector: { verb: 'deploy.*' } }, log.now);
    expect([counts.grants, targets?.tool.grants, targets?.leases.grants]).toEqual([1, 1, 1]);
    revoke(log, { verb: 'deploy.*' }, { target: 'leases' });
    expect([may(log, deployer), may(log, reader)]).toEqual([false, true]);
  });

  it('counts a lease that loses the verbs, even if it could use them on other resources than the named ones alone', () => {
    const log = new TestLog();
    const on = (...actions: string[]) => ({ actions, resources: [{ type: 'file', match: `${actions[0]?.[0]}/**` }] });
    const grant = { permissions: [on('deploy.*'), on('file.*')], actions: undefined, resources: undefined };
    const grantId = open(log, 'bot', {}, grant);
    const selector = { verb: 'deploy.*', resource: { type: 'file', match: 'f/**' } };
    const { targets } = preview(log.state, { selector }, log.now);
    revoke(log, selector);
    expect([targets?.tool.grants, targets?.leases.grants]).toEqual([1, 0]);
    const call = { action: { verb: 'deploy.run' }, resource: { type: 'file', id: 'd/x' }, proof: { vouched: true } };
    const [denied] = log.do('authorize', { grantId, ...call });
    expect(denied?.type).toBe('ActionDenied');
    expect(JSON.stringify(denied?.data)).toContain('deploy.run is revoked for this grant');
  });

  it('counts the calls in flight that it would deny', () => {
    const log = new TestLog();
    const grantId = open(log, 'bot');
    act(log, grantId, 'deploy.run');
    act(log, grantId, 'file.read');
    const { targets } = preview(log.state, { selector: { verb: 'deploy.*' } }, log.now);
    expect([targets?.tool.inFlight, targets?.leases.inFlight]).toEqual([1, 2]);
  });
});

describe('a preview', () => {
  it('pauses after fewer leases if it compares many patterns of each', () => {
    const log = new TestLog();
    const resources = Array.from({ length: 60 }, (_, i) => ({ type: 'file', match: `a${i}/x` }));
    for (let i = 0; i < 30; i++) open(log, 'bot', {}, { resources });
    const part = (i: number) => ({ resource: { type: 'file', match: `b${i}/**` } });
    const pauses = (selector: StoredSelector): number =>
      [...previewInPieces(log.state, { selector }, log.now, 250)].length;
    expect(pauses({ agentClass: 'bot' })).toBe(0);
    expect(pauses({ any: Array.from({ length: 31 }, (_, i) => part(i)) })).toBeGreaterThan(3);
  });

  it('shows classes that are spelled differently, selected or not', () => {
    const log = new TestLog();
    for (const agentClass of [
      'browser-agent',
      'Browser-Agent',
      'browser_agent',
      'browser-agents',
      'browser-agents',
      'writer',
    ])
      open(log, agentClass);
    const { near, counts } = preview(log.state, { selector: { agentClass: 'browser-agent' } }, log.now);
    expect(counts.grants).toBe(2);
    expect(near).toEqual([
      { agentClass: 'browser-agents', selected: 0, spared: 2 },
      { agentClass: 'browser_agent', selected: 0, spared: 1 },
      { agentClass: 'Browser-Agent', selected: 1, spared: 0 },
    ]);
  });

  it('counts by state, depth, risk and tree, and lists the most consequential leases first', () => {
    const log = new TestLog();
    const [calm, busy] = [open(log, 'bot', {}, { risk: { ceiling: 'low' } }), open(log, 'bot')];
    const child = delegateTestRun(log, busy).grantId;
    act(log, busy, 'file.read');
    log.do('suspend', { grantId: calm, reasonCode: 'LOOK', actor: BOB });
    const seen = preview(log.state, { selector: { principalRef: REF } }, log.now);
    expect(seen.counts).toMatchObject({ grants: 3, trees: 2 });
    expect(seen.byState).toEqual({ active: 2, suspended: 1 });
    expect(seen.byDepth).toEqual([2, 1]);
    expect(Object.values(seen.byRisk).reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(seen.byRisk.low).toBe(1);
    expect(seen.largestTrees.map(({ grants }) => grants)).toEqual([2, 1]);
    expect(seen.mostConsequential.map(({ grantId }) => grantId)).toEqual([busy, child, calm]);
    expect(seen.mostConsequential[0]).toMatchObject({ inFlight: 1, children: 1, depth: 0 });
  });
});

describe('selectorFault', () => {
  it.each<[string, StoredSelector]>([
    ['an empty part, which would select everything', { any: [{}] }],
    ['an empty exception', { agentClass: 'a', not: {} }],
    ['a pattern in place of a name', { any: [{ agentClass: 'bot-*' }] }],
    ['verbs that are not written in their normal form', { verb: 'Deploy.*' }],
    ['what is no pattern of verbs', { all: [{ verb: 'deploy/*' }] }],
    ['a pattern of resources that names nothing', { resource: { type: 'file', match: 'a/../b' } }],
    ['too many parts', { any: Array.from({ length: 20 }, () => ({ not: { agentClass: 'a' } })) }],
  ])('refuses %s', (_what, selector) => expect(selectorFault(selector)).toBeDefined());

  it('accepts nested parts', () =>
    expect(
      selectorFault({
        agentClass: 'a',
        any: [{ all: [{ verb: 'repo.**' }, { environment: 'prod' }] }],
        not: { tool: 'x' },
      }),
    ).toBeUndefined());
});
