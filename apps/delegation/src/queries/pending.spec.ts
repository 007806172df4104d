import { ADA, answer, ask, askedFor, BEN, CAM, payment, rule } from '@bailiwick/authority/testing/approvers';
import { act, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import type { ApprovalNode, LogState } from '@bailiwick/authority/state/state';
import { deriveId } from '@bailiwick/core/derive-id';
import { LIMITS } from '@bailiwick/core/limits';
import { approvalsPage, type ApprovalsPage } from './approvals-page';

const PERSON = { kind: 'person', id: 'key:approver' } as const;
const ASKS = { ...ROOMY, risk: { approvalFrom: 'low' as const } };
const START = { turn: 1, position: -1 };
const pendingPage = (state: LogState, after: typeof START, limit: number, now: number): ApprovalsPage =>
  approvalsPage(state, { status: 'pending', after, limit }, now);

/** Opens a run with `times` pending approvals. */
function asking(log: TestLog, times: number, agentClass = 'worker'): string {
  const { grantId, runId } = openTestRun(log, ASKS, agentClass);
  for (let i = 0; i < times; i++)
    act(log, grantId, 'file.write', { resource: { type: 'file', id: `${agentClass}/${i}` } });
  return runId;
}

const placeOf = (next: string): typeof START => {
  const [turn, position] = next.split('.').map(Number) as [number, number];
  return { turn, position };
};

function allPages(state: LogState, limit: number, now: number, between: () => void = () => undefined): ApprovalNode[] {
  const all: ApprovalNode[] = [];
  for (let after: typeof START | undefined = START; after;) {
    const page = pendingPage(state, after, limit, now);
    expect(page.approvals.length).toBeLessThanOrEqual(limit);
    all.push(...page.approvals);
    after = page.next === null ? undefined : placeOf(page.next);
    between();
  }
  return all;
}

describe('a page of pending approvals', () => {
  const log = new TestLog();
  const [many, few, one] = [asking(log, 12), asking(log, 2, 'few'), asking(log, 1, 'one')];

  it.each([1, 2, 3, 5, 15, 100])('returns pages of %i with each approval once, alternating between runs', (limit) => {
    const all = allPages(log.state, limit, log.now);
    expect(all).toHaveLength(15);
    expect(new Set(all).size).toBe(15);
    expect(all.slice(0, 5).map(({ runId }) => runId)).toEqual([many, few, one, many, few]);
  });

  it('returns the same pages from a snapshot', () => {
    const ids = (state: LogState): string[] => allPages(state, 4, log.now).map(({ id }) => id);
    expect(ids(fromSnapshot(toSnapshot(log.state)))).toEqual(ids(log.state));
  });

  it('skips no approval when others are answered between pages', () => {
    const own = new TestLog();
    asking(own, 9);
    asking(own, 4, 'few');
    const wanted = allPages(own.state, 100, own.now);
    const answered: string[] = [];
    const listed = allPages(own.state, 2, own.now, () => {
      const next = wanted.find(({ id, status }) => status === 'pending' && !answered.includes(id));
      if (!next) return;
      answered.push(next.id);
      own.do('decideApproval', { approvalId: next.id, verdict: 'deny', actor: PERSON });
    });
    for (const { id } of wanted.filter(({ status }) => status === 'pending'))
      expect(listed.map((each) => each.id)).toContain(id);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('leaves out approvals that were revoked or have expired', () => {
    const own = new TestLog();
    const struck = asking(own, 3, 'qbot');
    asking(own, 2);
    own.do('revokeSelector', {
      revocationId: deriveId('revocation', 0, 'x'),
      selector: { agentClass: 'qbot' },
      force: true,
      actor: PERSON,
    });
    const all = allPages(own.state, 100, own.now);
    expect(all).toHaveLength(2);
    expect(all.map(({ runId }) => runId)).not.toContain(struck);
    expect(allPages(own.state, 100, own.now + LIMITS.approvalMs)).toEqual([]);
  });

  it('reads a bounded number of approvals per page, even if all were revoked', () => {
    const own = new TestLog();
    for (let i = 0; i < 11; i++) asking(own, 99, 'qbot');
    own.do('revokeSelector', {
      revocationId: deriveId('revocation', 0, 'x'),
      selector: { agentClass: 'qbot' },
      force: true,
      actor: PERSON,
    });
    const page = pendingPage(own.state, START, 100, own.now);
    expect(page.approvals).toEqual([]);
    expect(page.next).not.toBeNull();
    expect(pendingPage(own.state, placeOf(page.next as string), 100, own.now).next).toBeNull();
  });
});

describe('the approvals that a person answered', () => {
  const idsOf = (log: TestLog, status: 'pending' | 'approved', answeredBy: string, now = log.now): string[] => {
    const ids: string[] = [];
    for (let after: typeof START | undefined = START; after;) {
      const page = approvalsPage(log.state, { status, answeredBy, after, limit: 1 }, now);
      ids.push(...page.approvals.map(({ id }) => id));
      after = page.next === null ? undefined : placeOf(page.next);
    }
    return ids;
  };
  const asked = (...answeredBy: (typeof ADA)[]): { log: TestLog; grantId: string; first: string; second: string } => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2, denials: 2, scopes: ['call', 'target', 'run'] });
    const { grantId, approvalId: first } = askedFor(log);
    const second = ask(log, grantId, payment(2)).data.approvalId;
    for (const id of [first, second]) for (const by of answeredBy) answer(log, id, by, { scope: 'run' });
    return { log, grantId, first, second };
  };

  it('are those that still wait for another person, unless they have changed their mind', () => {
    const { log, first, second } = asked(ADA);
    expect(idsOf(log, 'pending', 'User:ADA@example.com')).toEqual([first, second]);
    expect([idsOf(log, 'pending', BEN.id), idsOf(log, 'approved', ADA.id)]).toEqual([[], []]);
    answer(log, first, ADA, { verdict: 'deny' });
    expect(idsOf(log, 'pending', ADA.id)).toEqual([second]);
  });

  it('are those of more than one call that they gave first, as long as their lease may be used', () => {
    const { log, grantId, first, second } = asked(ADA, BEN);
    for (const { id } of [ADA, BEN]) expect(idsOf(log, 'approved', id)).toEqual([first, second]);
    expect([idsOf(log, 'approved', CAM.id), idsOf(log, 'pending', ADA.id)]).toEqual([[], []]);
    answer(log, first, CAM, { verdict: 'deny' }); // withdraws it
    expect(idsOf(log, 'approved', ADA.id)).toEqual([second]);
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: CAM });
    expect(idsOf(log, 'approved', ADA.id)).toEqual([second]);
    expect(idsOf(log, 'approved', ADA.id, log.state.approvals.get(second)?.usableUntil)).toEqual([]);
    log.do('revokeGrant', { grantId, actor: CAM });
    expect(idsOf(log, 'approved', ADA.id)).toEqual([]);
  });
});
