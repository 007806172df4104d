import { LIMITS } from '@bailiwick/core/limits';
import type { Event } from '@bailiwick/contracts/events/event';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { stateDigest } from '../../state/digest';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const MINUTE = 60_000;
const RENEWABLE = { ...ROOMY, time: { ttl: '30m', renewUntil: '2h' } };

const renew = (log: TestLog, grantId: string) => only(log.do('renew', { grantId }), 'GrantRenewed');
const refusal = (log: TestLog, grantId: string): string => {
  const { data } = only(log.do('renew', { grantId }), 'Refused');
  expect(data.code).toBe('RENEWAL_NOT_ALLOWED');
  return data.detail;
};
const minutes = (from: number, time: string): number => (Date.parse(time) - from) / MINUTE;

describe('renew', () => {
  it('lets a lease last one length from now, up to its last end', () => {
    const log = new TestLog();
    const start = log.now;
    const { grantId } = openTestRun(log, RENEWABLE);
    log.now += 20 * MINUTE;
    const { data } = renew(log, grantId);
    expect([minutes(start, data.from), minutes(start, data.until)]).toEqual([30, 50]);
    for (const at of [45, 70, 95]) {
      log.now = start + at * MINUTE;
      log.tickAll();
      renew(log, grantId);
    }
    expect(minutes(start, log.state.grants.get(grantId)?.limits.time.expiresAt ?? '')).toBe(120);
    expect(refusal(log, grantId)).toContain('it is renewed until 2026-01-01T02:00:00.000Z at most');
    log.now = start + 120 * MINUTE - 1;
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    log.now += 1;
    expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    expect(log.tickAll().map(({ type }) => type)).toEqual(['GrantExpired']);
  });

  it('does not expire a renewed lease at its former end, and ends one that is not renewed', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, RENEWABLE);
    const { grantId: other } = openTestRun(log, RENEWABLE);
    log.now += 29 * MINUTE;
    renew(log, grantId);
    log.now += MINUTE;
    expect(log.tickAll().map(({ grantId: id }) => id)).toEqual([other]);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(refusal(log, other)).toContain('expired');
  });

  it('ends a renewed child with its parent, which is renewed first', () => {
    const log = new TestLog();
    const { grantId: parent } = openTestRun(log, RENEWABLE);
    const child = delegateTestRun(log, parent, { time: { ttl: '10m', renewUntil: '2h' } }).grantId;
    log.now += 5 * MINUTE;
    renew(log, child);
    log.now += 9 * MINUTE;
    renew(log, child);
    log.now += 9 * MINUTE;
    renew(log, child);
    expect(refusal(log, child)).toContain('that lease must be renewed first');
    renew(log, parent);
    renew(log, child);
    const ends = (id: string) => log.state.grants.get(id)?.expiresAt ?? 0;
    expect(ends(child)).toBeLessThanOrEqual(ends(parent));
    log.now += 8 * MINUTE; // past the former end of the parent
    expect(act(log, child, 'file.read').type).toBe('ActionPermitted');
  });

  it.each<[string, (log: TestLog, ids: { grantId: string; runId: string }) => unknown, string]>([
    ['it is suspended', (log, { grantId }) => log.do('suspend', { grantId, reasonCode: 'LOOK' }), 'suspended'],
    ['it is revoked', (log, { grantId }) => log.do('revokeGrant', { grantId }), 'revoked'],
    [
      'a rule strikes it',
      (log) =>
        log.do('revokeSelector', {
          revocationId: 'rev_0_00000000000000000000000000',
          selector: { agentClass: 'worker' },
          force: true,
        }),
      'revoked',
    ],
    [
      'its run has drifted so far that a person is asked',
      (log, { runId }) => log.do('recordDrift', { runId, score: 0.6, features: [], monitor: 'test' }),
      'a person is asked',
    ],
    [
      'its last decisions were all denials',
      (log, { grantId }) => {
        for (let n = 0; n < LIMITS.renewalDenials; n++) act(log, grantId, 'a.b', { cost: { EUR: 1 } });
      },
      'were denials',
    ],
  ])('refuses if %s', (_, prepare, why) => {
    const log = new TestLog();
    const ids = openTestRun(log, RENEWABLE);
    prepare(log, ids);
    expect(refusal(log, ids.grantId)).toContain(why);
  });

  it('refuses a lease without renewUntil, and a run that neither holds the lease nor gave it', () => {
    const log = new TestLog();
    const plain = openTestRun(log);
    expect(refusal(log, plain.grantId)).toContain('renewUntil');
    const held = openTestRun(log, RENEWABLE);
    const child = delegateTestRun(log, held.grantId, { time: { ttl: '10m', renewUntil: '1h' } });
    log.now += MINUTE;
    const by = (id: string, grantId: string) => log.do('renew', { grantId, actor: { kind: 'run', id } })[0]?.type;
    expect(by(plain.runId, held.grantId)).toBe('Refused');
    expect(by(child.runId, held.grantId)).toBe('Refused');
    expect(by(held.runId, child.grantId)).toBe('GrantRenewed');
    expect(by(held.runId, held.grantId)).toBe('GrantRenewed');
  });

  it('refuses a renewal that extends the lease by less than a second', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, RENEWABLE);
    log.now += LIMITS.renewalMinMs - 1;
    expect(refusal(log, grantId)).toContain('renew it later');
    log.now += 1;
    renew(log, grantId);
  });

  it('counts denials only until a permit or a resumption, and keeps the count in a snapshot', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log, RENEWABLE);
    const denied = (n: number) => {
      for (let i = 0; i < n; i++) act(log, grantId, 'a.b', { cost: { EUR: 1 } });
    };
    denied(LIMITS.renewalDenials - 1);
    act(log, grantId, 'file.read');
    denied(1);
    log.now += MINUTE;
    renew(log, grantId);
    denied(LIMITS.renewalDenials);
    expect(log.state.denialStreaks.get(runId)).toBe(LIMITS.renewalDenials);
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
    refusal(log, grantId);
    log.do('suspend', { grantId, reasonCode: 'LOOK', actor: PERSON });
    log.do('resume', { grantId, reasonCode: 'LOOKED', actor: PERSON });
    log.now += MINUTE;
    renew(log, grantId);
    expect(log.state.denialStreaks.size).toBe(0);
  });

  it.each<[string, object, string]>([
    ['an end of renewals before the end of the lease', { ttl: '30m', renewUntil: '20m' }, 'BAD_REQUEST'],
    ['renewals for more than a year', { ttl: '30m', renewUntil: '367d' }, 'GRANT_EXCEEDS_MAXIMUM'],
    ['a length above the maximum', { ttl: '31d', renewUntil: '60d' }, 'GRANT_EXCEEDS_MAXIMUM'],
  ])('refuses to issue %s', (_, time, code) => {
    const log = new TestLog();
    const result = log.try('openRun', { ...RUN, grant: { ...ROOMY, time } });
    expect('refusal' in result ? result.refusal.code : codeOf(result.events)).toBe(code);
  });

  it('refuses a child that could be renewed longer than its parent', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, RENEWABLE);
    const [event] = log.do('delegate', { ...RUN, grantId, grant: { time: { ttl: '10m', renewUntil: '3h' } } });
    expect(JSON.stringify(event)).toContain('time.renewUntil');
    expect(event?.type).toBe('DelegationRefused');
    expect(log.state.grants.get(delegateTestRun(log, grantId).grantId)?.limits.time.renewUntil).toBeUndefined();
  });
});

const REF = 'ref_00000000000000000000000000';
const RUN = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF };
const PERSON = { kind: 'person' as const, id: 'person:ann' };
const codeOf = ([event]: readonly Event[]): string | undefined =>
  event?.type === 'Refused' ? event.data.code : event?.type;
