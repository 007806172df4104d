import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, only, openTestRun, REF, ROOMY, TestLog } from '../../testing/harness';

const ANN = { kind: 'person', id: 'person:ann' } as const;
const ASKS: GrantRequest = { ...ROOMY, delegation: { depth: 2, children: 2, classes: ['*'], ask: true } };

let log: TestLog;
let root: { runId: string; grantId: string };
beforeEach(() => {
  log = new TestLog();
  root = openTestRun(log, ASKS);
});

const ask = (grant: GrantRequest = {}, more: object = {}) =>
  log.try('delegate', { grantId: root.grantId, agent: { class: 'helper' }, purposeRef: REF, grant, ...more });
function asked(grant: GrantRequest = {}, more: object = {}) {
  const result = ask(grant, more);
  if ('refusal' in result) throw new Error(result.refusal.detail);
  return only(result.events, 'ApprovalRequested');
}
const answer = (approvalId: string, verdict: 'approve' | 'deny' = 'approve', more: object = {}) =>
  log.try('decideApproval', { approvalId, verdict, actor: ANN, ...more });
const codeOf = (result: ReturnType<typeof ask>): string | undefined =>
  'refusal' in result ? result.refusal.code : firstCode(result.events[0]);
const firstCode = (event?: Event): string | undefined =>
  event?.type === 'DelegationRefused' || event?.type === 'Refused' ? event.data.code : event?.type;

describe('delegation.ask', () => {
  it('issues no lease to a child before a person approves it', () => {
    const { runId, data } = asked();
    expect(log.state.runs.get(runId as string)).toMatchObject({ status: 'pending', grantId: undefined });
    expect(data).toMatchObject({ kind: 'grant', parentId: root.grantId, depth: 1 });
    const result = answer(data.approvalId);
    const issued = only('events' in result ? result.events : [], 'GrantIssued');
    expect(issued).toMatchObject({ runId, data: { parentId: root.grantId, approvedBy: ANN.id } });
    expect(act(log, issued.grantId as string, 'file.read').type).toBe('ActionPermitted');
  });

  it('is kept by a child, whose own children wait too', () => {
    const { data } = asked({ delegation: { depth: 1, children: 1, classes: ['*'] } });
    const result = answer(data.approvalId);
    const issued = only('events' in result ? result.events : [], 'GrantIssued');
    expect(issued.data.limits.delegation.ask).toBe(true);
    const below = log.do('delegate', {
      grantId: issued.grantId as string,
      agent: { class: 'helper' },
      purposeRef: REF,
      grant: {},
    });
    expect(below.map(({ type }) => type)).toEqual(['RunOpened', 'ApprovalRequested']);
  });

  it('counts requests that wait among the children', () => {
    asked();
    asked();
    expect(codeOf(ask())).toBe('DELEGATION_NOT_ALLOWED');
  });

  it('frees the place of a request that a person denies, or that expires', () => {
    const first = asked();
    asked({ budget: { calls: 5 }, time: { ttl: '5m' } });
    answer(first.data.approvalId, 'deny');
    expect(log.state.grants.get(root.grantId)?.children).toBe(1);
    log.now += 5 * 60_000;
    log.tickAll();
    expect(log.state.grants.get(root.grantId)?.children).toBe(0);
    expect(log.state.runs.get(root.runId)?.pendingApprovals).toBe(0);
    expect(log.state.openChildren.of(root.runId)).toBe(0);
  });

  it('limits the requests of one run that wait', () => {
    const { grantId } = openTestRun(log, {
      ...ASKS,
      delegation: { depth: 1, children: 500, classes: ['*'], ask: true },
    });
    root = { ...root, grantId };
    for (let n = 0; n < LIMITS.pendingApprovalsPerRun; n++) asked();
    expect(codeOf(ask())).toBe('TOO_MANY');
  });

  it('does not ask again for what a person has denied', () => {
    answer(asked().data.approvalId, 'deny');
    expect(codeOf(ask())).toBe('REFUSED_BY_PERSON');
  });

  it.each<[string, () => unknown]>([
    ['has been revoked', () => log.do('revokeGrant', { grantId: root.grantId, actor: ANN })],
    ['has completed', () => log.do('completeRun', { runId: root.runId })],
    ['is suspended', () => log.do('suspend', { grantId: root.grantId, reasonCode: 'LOOK', actor: ANN })],
  ])('refuses the approval if the parent %s', (_, end) => {
    const { approvalId } = asked().data;
    end();
    expect(codeOf(answer(approvalId))).toBe('GRANT_NOT_LIVE');
  });

  it('lets no one approve what they asked for', () => {
    const { approvalId } = asked({}, { actor: ANN }).data;
    expect(codeOf(answer(approvalId))).toBe('FORBIDDEN');
    expect(codeOf(answer(approvalId, 'approve', { actor: { kind: 'person', id: 'person:bob' } }))).toBe(
      'ApprovalGiven',
    );
  });

  it('lets a person give less than was asked for, and no more', () => {
    const { approvalId } = asked({ budget: { calls: 20 } }).data;
    expect(codeOf(answer(approvalId, 'approve', { grant: { budget: { calls: 21 } } }))).toBe('GRANT_WIDENS_PARENT');
    const result = answer(approvalId, 'approve', { grant: { budget: { calls: 5 }, time: { ttl: '10m' } } });
    const events = 'events' in result ? result.events : [];
    const issued = only(events, 'GrantIssued');
    expect(issued.data.limits.budget).toMatchObject({ calls: 5, reads: 100 });
    expect(only(events, 'ApprovalGiven').data.limits).toEqual(issued.data.limits);
  });

  it('keeps what waits over a restart from a snapshot', () => {
    const { approvalId } = asked({}, { actor: ANN }).data;
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    Object.assign(log, { state: read });
    expect(codeOf(answer(approvalId))).toBe('FORBIDDEN');
    expect(log.state.openChildren.of(root.runId)).toBe(1);
  });
});
