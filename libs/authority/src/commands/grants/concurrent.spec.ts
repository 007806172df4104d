import { deriveId } from '@bailiwick/core/derive-id';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '../../testing/harness';

const PERSON = { kind: 'person', id: 'person:ann' } as const;

let log: TestLog;
let root: { runId: string; grantId: string };
beforeEach(() => {
  log = new TestLog();
  root = openTestRun(log, { ...ROOMY, delegation: { depth: 2, children: 10, classes: ['*'], concurrent: 2 } });
});

const tryChild = (grant = {}) =>
  log.try('delegate', { grantId: root.grantId, agent: { class: 'helper' }, purposeRef: REF, grant });
function codeOf(result: ReturnType<typeof tryChild>): string | undefined {
  const event = 'events' in result ? result.events[0] : undefined;
  return event?.type === 'DelegationRefused' ? event.data.reasons[0]?.code : event?.type;
}

describe('delegation.concurrent', () => {
  it('refuses one child more than may live at a time', () => {
    delegateTestRun(log, root.grantId);
    delegateTestRun(log, root.grantId);
    expect(codeOf(tryChild())).toBe('DELEGATION_CONCURRENT');
  });

  it.each<[string, (child: { runId: string; grantId: string }) => unknown]>([
    ['completes', ({ runId }) => log.do('completeRun', { runId })],
    ['is revoked', ({ grantId }) => log.do('revokeGrant', { grantId, actor: PERSON })],
    [
      'expires',
      () => {
        log.now += 60_000;
        log.tickAll();
      },
    ],
  ])('admits another child once one %s', (_, end) => {
    const first = delegateTestRun(log, root.grantId, { time: { ttl: '1m' } });
    delegateTestRun(log, root.grantId);
    end(first);
    expect(codeOf(tryChild())).toBe('RunOpened');
    expect(codeOf(tryChild())).toBe('DELEGATION_CONCURRENT');
  });

  it('counts a suspended child, which may be resumed', () => {
    const { grantId } = delegateTestRun(log, root.grantId);
    delegateTestRun(log, root.grantId);
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: PERSON });
    expect(codeOf(tryChild())).toBe('DELEGATION_CONCURRENT');
  });

  it('counts a child that a rule strikes until its end is recorded', () => {
    const { grantId } = delegateTestRun(log, root.grantId);
    delegateTestRun(log, root.grantId);
    log.do('revokeSelector', {
      revocationId: deriveId('revocation', 0, 'all helpers'),
      selector: { agentClass: 'helper' },
      force: true,
      actor: PERSON,
    });
    expect(codeOf(tryChild())).toBe('DELEGATION_CONCURRENT');
    log.do('revokeGrant', { grantId, actor: PERSON });
    expect(codeOf(tryChild())).toBe('RunOpened');
  });

  it('continues the count under a raised lease, and after a restart from a snapshot', () => {
    delegateTestRun(log, root.grantId);
    const [asked] = log.do('escalate', { runId: root.runId, want: { delegation: { concurrent: 3 } } });
    if (asked?.type !== 'ApprovalRequested') throw new Error('not asked');
    log.do('decideApproval', { approvalId: asked.data.approvalId, verdict: 'approve', actor: PERSON });
    Object.assign(log, { state: fromSnapshot(toSnapshot(log.state)) });
    delegateTestRun(log, root.grantId);
    delegateTestRun(log, root.grantId);
    expect(codeOf(tryChild())).toBe('DELEGATION_CONCURRENT');
  });

  it('is kept by a child that does not name it, and cannot be raised by one', () => {
    const { grantId } = delegateTestRun(log, root.grantId, { delegation: { depth: 1, children: 5, classes: ['*'] } });
    expect(log.state.grants.get(grantId)?.limits.delegation.concurrent).toBe(2);
    const wider = { delegation: { depth: 1, children: 5, classes: ['*'], concurrent: 3 } };
    const refused = tryChild(wider);
    expect('events' in refused && refused.events[0]).toMatchObject({
      type: 'DelegationRefused',
      data: { code: 'GRANT_WIDENS_PARENT', reasons: [{ path: 'delegation.concurrent' }] },
    });
  });
});
