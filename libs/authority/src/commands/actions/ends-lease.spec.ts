import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const PR = [{ actions: ['pr.open'], resources: [{ type: 'repo', match: 'acme/*' }] }];
const ENDING: GrantRequest = { ...ROOMY, time: { ttl: '30m', endsOn: PR } };
const open = (log: TestLog, grantId: string, id = 'acme/site', more = {}) =>
  act(log, grantId, 'pr.open', { resource: { type: 'repo', id, ...more } });
const settle = (log: TestLog, actionId: string | undefined, status: 'completed' | 'failed' = 'completed') =>
  log.do('settle', { actionId: actionId as string, outcome: { status } });
const types = (events: readonly { type: string }[]) => events.map(({ type }) => type);

describe('time.endsOn', () => {
  it('ends the lease in the append in which such an action is recorded as completed', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, ENDING);
    const { actionId: other } = act(log, grantId, 'file.write');
    const { actionId } = open(log, grantId);
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    const events = settle(log, actionId);
    expect(types(events)).toEqual(['ActionCompleted', 'RunCompleted']);
    const { data } = only(events, 'RunCompleted');
    expect(data.reason.code).toBe('ENDS_ON');
    expect(data.reason.says).toBe(`pr.open was completed (${actionId}), which ends this lease`);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    expect(log.state.runs.get(runId)?.status).toBe('completed');
    expect(types(settle(log, other))).toEqual(['ActionCompleted']); // a call in flight is settled
    expect(log.state.ends.size).toBe(0);
  });

  it.each<[string, string, string]>([
    ['another verb', 'pr.read', 'acme/site'],
    ['another resource', 'pr.open', 'other/site'],
  ])('keeps the lease after %s', (_, verb, id) => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, ENDING);
    const { actionId } = act(log, grantId, verb, { resource: { type: 'repo', id } });
    expect(types(settle(log, actionId))).toEqual(['ActionCompleted']);
  });

  it('keeps the lease after a failed or abandoned action, and ends it with a late completion', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ENDING, time: { ttl: '3h', endsOn: PR } });
    expect(types(settle(log, open(log, grantId).actionId, 'failed'))).toEqual(['ActionFailed']);
    const { actionId } = open(log, grantId);
    log.now += LIMITS.permitMs + LIMITS.outcomeMs;
    expect(types(log.tickAll())).toEqual(['ActionAbandoned']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    expect(types(settle(log, actionId))).toEqual(['OutcomeReportedLate', 'RunCompleted']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('forgets an abandoned action with its outcome', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ENDING, time: { ttl: '3h', endsOn: PR } });
    open(log, grantId);
    log.now += LIMITS.permitMs + LIMITS.outcomeMs;
    log.tickAll();
    expect(log.state.ends.size).toBe(1);
    log.now += LIMITS.lateOutcomeMs + 2_000;
    act(log, grantId, 'file.read');
    expect(log.state.ends.size).toBe(0);
  });

  it('ends every lease of the chain that names the action, and all below the highest', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, ENDING);
    const child = delegateTestRun(log, grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } }).grantId;
    const leaf = delegateTestRun(log, child, { time: { ttl: '5m', endsOn: [{ actions: ['file.write'] }] } }).grantId;
    const ended = settle(log, act(log, leaf, 'file.write').actionId);
    expect(ended.flatMap((event) => (event.type === 'RunCompleted' ? [event.grantId] : []))).toEqual([leaf]);
    expect(types(settle(log, open(log, child).actionId))).toEqual(['ActionCompleted', 'RunCompleted', 'RunCompleted']);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it('is kept by a child, which may add ends and replace them by wider ones', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, ENDING);
    const endsOf = (grant: GrantRequest) =>
      log.state.grants.get(delegateTestRun(log, grantId, grant).grantId)?.limits.time.endsOn;
    expect(endsOf({})).toEqual(PR);
    expect(endsOf({ time: { endsOn: [{ actions: ['file.write'] }] } })).toEqual([{ actions: ['file.write'] }, ...PR]);
  });

  it('stays in force for a raised lease', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, ENDING);
    const { actionId } = open(log, grantId);
    const asked = only(log.do('escalate', { runId, want: { budget: { calls: 200 } } }), 'ApprovalRequested');
    const { approvalId } = asked.data;
    const by = { kind: 'person' as const, id: 'person:ann' };
    const issued = only(log.do('decideApproval', { approvalId, verdict: 'approve', actor: by }), 'GrantIssued');
    expect(issued.data.limits.time.endsOn).toEqual(PR);
    expect(only(settle(log, actionId), 'RunCompleted').grantId).toBe(issued.grantId);
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
  });

  it.each<[string, object, string, object]>([
    ['a name in another spelling', {}, 'ACME/Site.', {}],
    ['a missing attribute', { where: { draft: { eq: false } } }, 'acme/site', {}],
    ['an exception in another spelling', { except: ['acme/test'] }, 'acme/TEST', {}],
  ])('ends in doubt: %s', (_, part, id, more) => {
    const log = new TestLog();
    const resources = [{ type: 'repo', match: 'acme/*', ...part }];
    const { grantId } = openTestRun(log, {
      ...ROOMY,
      time: { ttl: '30m', endsOn: [{ actions: ['pr.*'], resources }] },
    });
    expect(types(settle(log, open(log, grantId, id, more).actionId))).toContain('RunCompleted');
  });

  it('ends by an attribute that only the run states, and not by one that an enforcement point denies', () => {
    const log = new TestLog();
    const resources = [{ type: 'repo', match: '**', where: { draft: { eq: false } } }];
    const { grantId, runId } = openTestRun(log, {
      ...ROOMY,
      time: { ttl: '30m', endsOn: [{ actions: ['pr.*'], resources }] },
    });
    const draft = { attributes: { draft: true } };
    expect(types(settle(log, open(log, grantId, 'a', draft).actionId))).toEqual(['ActionCompleted']);
    const own = act(log, grantId, 'pr.open', {
      resource: { type: 'repo', id: 'a', ...draft },
      actor: { kind: 'run', id: runId },
    });
    expect(types(settle(log, own.actionId))).toContain('RunCompleted');
  });

  it('ends by a call in flight whose verb a later narrowing names', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const { actionId } = act(log, grantId, 'pr.open', { resource: { type: 'repo', id: 'elsewhere' } });
    log.do('narrow', { grantId, grant: { time: { endsOn: PR } } });
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    expect(types(settle(log, actionId))).toContain('RunCompleted');
  });

  it('ends by such a call that is reported late, and by none because of a narrowing that adds no end', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ENDING, time: { ttl: '3h', endsOn: PR } });
    const { actionId } = open(log, grantId, 'elsewhere');
    const late = act(log, grantId, 'file.write');
    log.do('narrow', { grantId, grant: { budget: { calls: 50 } } });
    expect(types(settle(log, actionId))).toEqual(['ActionCompleted']);
    log.do('narrow', { grantId, grant: { time: { endsOn: [{ actions: ['file.write'] }] } } });
    log.now += LIMITS.permitMs + LIMITS.outcomeMs;
    expect(types(log.tickAll())).toEqual(['ActionAbandoned']);
    expect(types(settle(log, late.actionId))).toEqual(['OutcomeReportedLate', 'RunCompleted']);
  });

  it('is exhausted, not completed, if the same outcome also uses up its budget', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ENDING, budget: { ...ROOMY.budget, cost: { USD: 5 } } });
    const { actionId } = act(log, grantId, 'pr.open', { resource: { type: 'repo', id: 'acme/x' }, cost: { USD: 5 } });
    expect(types(settle(log, actionId))).toEqual(['ActionCompleted', 'GrantExhausted']);
  });
});
