import { askedFor, answer, ADA, CAREFUL, payment, ask } from '@bailiwick/authority/testing/approvers';
import { delegateTestRun, openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import { deriveId } from '@bailiwick/core/derive-id';
import { endedIn } from './request-ends';

const RESPONDER = { kind: 'person', id: 'key:responder' } as const;
const revocationId = deriveId('revocation', 0, 'rule');

describe('endedIn', () => {
  let log: TestLog;
  let asked: { runId: string; grantId: string; approvalId: string };
  beforeEach(() => {
    log = new TestLog();
    asked = askedFor(log);
  });
  const ended = () => endedIn(log.state, [asked.approvalId], log.now).map(({ status }) => status);
  const revoke = (selector: object) =>
    log.do('revokeSelector', { revocationId, selector, force: true, actor: RESPONDER });

  it('finds none while the lease lives, also if it is suspended', () => {
    expect(ended()).toEqual([]);
    log.do('suspend', { grantId: asked.grantId, reasonCode: 'X', actor: RESPONDER });
    expect(ended()).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['its lease is revoked', () => log.do('revokeGrant', { grantId: asked.grantId, actor: RESPONDER })],
    ['a rule selects its lease', () => revoke({ agentClass: 'worker' })],
    ['a rule denies its verb', () => revoke({ tool: 'payment.send' })],
  ])('cancels a request if %s', (_what, end) => {
    end();
    expect(ended()).toEqual(['cancelled']);
  });

  it('ends a request whose lease was over, or whose run was completed, as expired', () => {
    log.do('completeRun', { runId: asked.runId, actor: { kind: 'run', id: asked.runId } });
    expect(ended()).toEqual(['expired']);
    asked = askedFor(log);
    log.now += 31 * 86_400_000;
    expect(ended()).toEqual(['expired']);
  });

  it('ends a request under a lease that is below the one that ends', () => {
    const root = openTestRun(log, CAREFUL);
    const child = delegateTestRun(log, root.grantId, {
      actions: { allow: ['*'] },
      resources: [{ type: '*', match: '**' }],
    });
    asked = { ...child, approvalId: ask(log, child.grantId, payment(1)).data.approvalId };
    log.do('completeRun', { runId: root.runId, actor: { kind: 'run', id: root.runId } });
    expect(ended()).toEqual(['expired']);
  });

  it('leaves a request that has its own end to that, and one that is not known', () => {
    answer(log, asked.approvalId, ADA);
    revoke({ agentClass: 'worker' });
    expect([ended(), endedIn(log.state, ['apr_0_none'], log.now)]).toEqual([[], []]);
  });
});
