import { LIMITS } from '#kernel/limits';
import { act, delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '#authority/testing/harness';
import type { Event } from '#contracts/event';

const NO_MAIL = { ...ROOMY, actions: { allow: ['*'], deny: ['email.*'] } };
const isDenial = ({ type }: Event): boolean => ['ActionDenied', 'DelegationRefused', 'Refused'].includes(type);

const ask = (log: TestLog, grantId: string, verb = 'email.read'): ReturnType<TestLog['try']> =>
  log.try('authorize', { grantId, action: { verb }, resource: { type: 'mail', id: 'a' }, proof: { vouched: true } });

describe('denials are not free', () => {
  it.failing('it writes no more denials of one run than its budget, and answers TOO_MANY beyond', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, NO_MAIL);
    let refused: unknown;
    for (let i = 0; i < 1_000; i++) {
      const told = ask(log, grantId);
      if ('refusal' in told) refused = told.refusal.code;
    }
    expect(log.events.filter(isDenial).length).toBeLessThan(200);
    expect(refused).toBe('TOO_MANY');
  });

  it.failing('it writes no more refusals of one key that the gateway reports than its budget', () => {
    const log = new TestLog();
    for (let i = 0; i < 1_000; i++) log.try('recordRefusal', { command: 'GET /v1/events', detail: 'an enforcer may not' });
    expect(log.events.filter(isDenial).length).toBeLessThan(200);
  });

  it.failing('it writes a small event about a call under a revoked lease', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, NO_MAIL);
    log.do('revokeGrant', { grantId, actor: { kind: 'person', id: 'person:ann' } });
    const labels = Array.from({ length: 32 }, (_, i) => `l${i}-${'x'.repeat(60)}`);
    const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, 'y'.repeat(200)]));
    const denied = act(log, grantId, 'email.read', { labels, resource: { type: 'mail', id: 'a', attributes } });
    expect(JSON.stringify(denied).length).toBeLessThan(2_500);
  });
});
void [LIMITS, delegateTestRun, REF];
