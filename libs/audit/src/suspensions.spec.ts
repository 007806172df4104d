import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { ANN, claimsOf, SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

const MINUTE = 60_000;
const revocationId = deriveId('revocation', 0, 'one');

/** A run that is suspended by its class for a minute, is denied, and acts after it. */
function suspended() {
  const log = new SealedLog();
  const run = log.open(ROOMY);
  const until = rfc3339(log.now + MINUTE);
  const selector = { treeId: log.last('RunOpened').treeId };
  log.do('revokeSelector', { revocationId, selector, mode: 'suspend', until, force: true, actor: ANN });
  expect(act(log, run.grantId, 'file.read').type).toBe('ActionDenied');
  log.now += MINUTE;
  expect(act(log, run.grantId, 'file.read').type).toBe('ActionPermitted');
  log.tickAll();
  return { log, ...run };
}

describe('the audit of suspensions by selector', () => {
  it('finds nothing in a log that keeps them', () => {
    expect(findings(suspended().log)).toEqual([]);
  });

  it('finds a permit of what one still held', () => {
    const { log, grantId } = suspended();
    const later = (event: Event) =>
      event.type === 'RevocationRuleAdded' ? { until: '2030-01-01T00:00:00Z' } : undefined;
    const found = findings(log, later);
    expect(found).toContain(`liveness: permitted although ${grantId} is suspended by ${revocationId}`);
  });
});

describe('a receipt of a run that was suspended by selector', () => {
  it('lists it with its end, and neither as a revocation nor as the end of the run', () => {
    const { log, runId } = suspended();
    const { suspensions, revoked, ended } = claimsOf(log, runId);
    expect([revoked, ended]).toEqual([[], null]);
    expect(suspensions).toMatchObject([
      { reason: expect.stringContaining(`${revocationId}, until `) as string, resumedAt: rfc3339(log.now) },
    ]);
  });
});
