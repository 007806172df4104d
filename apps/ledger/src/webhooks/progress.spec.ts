import { LIMITS } from '@bailiwick/core/limits';
import { NEW_CURSOR, type Buried, type WebhookCursor } from '@bailiwick/event-store/postgres/webhook-deliveries';
import fc from 'fast-check';
import { afterAttempt, retryDelay, type Attempt } from './progress';

const FAILED: Attempt = { delivered: false, error: 'it answered 500' };
const DELIVERED: Attempt = { delivered: true, status: 204 };

describe('afterAttempt', () => {
  it('passes an event only if it was delivered or is a dead letter, after the allowed attempts, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(DELIVERED, FAILED, FAILED, FAILED), { maxLength: 120 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, random) => {
          let cursor: WebhookCursor = NEW_CURSOR;
          let now = 0;
          const dealtWith: number[] = [];
          let tries = 0;
          for (const attempt of attempts) {
            now = cursor.nextAt ?? now;
            const { position } = cursor;
            const step = afterAttempt(cursor, 'RunOpened', attempt, now, random);
            tries += 1;
            const isOver = attempt.delivered || tries === LIMITS.webhooks.attempts;
            expect(step.cursor.position).toBe(isOver ? position + 1 : position);
            expect(step.buried?.position).toBe(isOver && !attempt.delivered ? position : undefined);
            if (!isOver) expect(step.cursor.nextAt).toBeGreaterThan(now);
            if (isOver) {
              dealtWith.push(position);
              tries = 0;
            }
            cursor = step.cursor;
          }
          expect(dealtWith).toEqual(dealtWith.map((_each, i) => i));
          expect(cursor.delivered + cursor.failed).toBe(attempts.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('disables a webhook after days without any delivery, and not before, and keeps the event', () => {
    const start = 1_000_000;
    const cursor = { ...NEW_CURSOR, position: 5, failingSince: start };
    const at = (now: number) => afterAttempt(cursor, 'RunOpened', FAILED, now, 0.5);
    expect(at(start + LIMITS.webhooks.failingMs - 1).disabled).toBeUndefined();
    expect(at(start + LIMITS.webhooks.failingMs)).toMatchObject({
      disabled: expect.any(String),
      cursor: { position: 5 },
    });
    expect(afterAttempt(cursor, 'RunOpened', DELIVERED, start + LIMITS.webhooks.failingMs, 0.5)).toMatchObject({
      cursor: { position: 6, failingSince: undefined },
    });
  });

  it('keeps since when a webhook fails across dead letters, until a delivery', () => {
    let cursor: WebhookCursor = NEW_CURSOR;
    let buried: Buried | undefined;
    for (let i = 0; i < LIMITS.webhooks.attempts; i++)
      ({ cursor, buried } = { buried: undefined, ...afterAttempt(cursor, 'RunOpened', FAILED, 1_000 + i, 0) });
    expect([buried?.attempts, cursor.position, cursor.failingSince]).toEqual([LIMITS.webhooks.attempts, 1, 1_000]);
  });

  it('disables a webhook at once whose endpoint states that it is gone', () => {
    const gone: Attempt = { delivered: false, error: 'it answered 410', isGone: true };
    expect(afterAttempt(NEW_CURSOR, 'RunOpened', gone, 1, 0)).toMatchObject({
      disabled: expect.stringContaining('410'),
      cursor: { position: 0 },
    });
  });
});

describe('retryDelay', () => {
  it('grows up to its bound, differs between webhooks, and follows Retry-After up to the bound', () => {
    const { firstRetryMs, longestRetryMs, attempts } = LIMITS.webhooks;
    for (let i = 1; i < attempts; i++) {
      expect(retryDelay(i + 1, 0)).toBeGreaterThanOrEqual(retryDelay(i, 0));
      expect(retryDelay(i, 1)).toBeLessThanOrEqual(longestRetryMs);
    }
    expect([retryDelay(1, 0), retryDelay(1, 1)]).toEqual([firstRetryMs * 0.75, firstRetryMs * 1.25]);
    expect([retryDelay(1, 0, 60_000), retryDelay(1, 0, 10 ** 12)]).toEqual([60_000, longestRetryMs]);
  });
});
