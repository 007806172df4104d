import { deriveId } from '@bailiwick/core/derive-id';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { stopsCalls } from './in-flight';

const PERSON = { kind: 'person', id: 'key:responder' } as const;
const rule = (log: TestLog, name: string, mode?: 'suspend'): string => {
  const revocationId = deriveId('revocation', 0, name);
  const selector = { agentClass: 'worker' };
  log.do('revokeSelector', { revocationId, selector, force: true, actor: PERSON, ...(mode ? { mode } : {}) });
  return revocationId;
};
const stops = (log: TestLog, id: string) => stopsCalls(log.state, id, log.now);

describe('stopsCalls', () => {
  it('stops calls of a lease, and of all below it, that a revocation or a suspension strikes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId).grantId;
    expect([stops(log, grantId), stops(log, child)]).toEqual([undefined, undefined]);
    const held = rule(log, 'held', 'suspend');
    expect(stops(log, child)).toMatchObject({ status: 'suspended', revocationId: held });
    const ended = rule(log, 'ended');
    expect(stops(log, child)).toMatchObject({ status: 'revoked', revocationId: ended });
  });

  it('lets the call continue that reached the cap of its lease, until a revocation strikes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(grantId)?.status).toBe('exhausted');
    expect(stops(log, grantId)).toBeUndefined();
    const ended = rule(log, 'ended');
    expect(stops(log, grantId)).toMatchObject({ status: 'revoked', revocationId: ended });
  });

  it('stops the call that exhausted its lease if the lease above it is revoked, and calls of unknown leases', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { budget: { calls: 1, reads: 1, writes: 1 } }).grantId;
    expect(act(log, child, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(child)?.status).toBe('exhausted');
    expect(stops(log, child)).toBeUndefined();
    log.do('revokeGrant', { grantId, actor: PERSON });
    expect(stops(log, child)).toMatchObject({ status: 'revoked' });
    expect(stops(log, `grt_0_${'9'.repeat(26)}`)).toMatchObject({ status: 'ended' });
  });

  it('stops the call that exhausted its lease when the time of the lease ends, as it stops those of any lease', () => {
    const log = new TestLog();
    const roomy = openTestRun(log).grantId;
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    const expiresAt = log.state.grants.get(grantId)?.expiresAt ?? 0;
    expect(log.state.grants.get(roomy)?.expiresAt).toBe(expiresAt);
    log.now = expiresAt - 1;
    expect([stops(log, grantId), stops(log, roomy)]).toEqual([undefined, undefined]);
    log.now = expiresAt;
    expect([stops(log, grantId), stops(log, roomy)]).toMatchObject([{ status: 'expired' }, { status: 'expired' }]);
  });

  it('stops the call that exhausted its lease when the tree is set aside', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    const permitted = act(log, grantId, 'file.read');
    expect(stops(log, grantId)).toBeUndefined();
    const position = log.state.next;
    log.store({ position, body: JSON.stringify({ ...permitted, position, id: `${permitted.id}x`, extra: 1 }) });
    expect(stops(log, grantId)).toMatchObject({ status: 'suspended', aside: position });
  });
});
