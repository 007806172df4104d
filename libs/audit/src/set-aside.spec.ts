import { delegateTestRun } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

const caps = (calls: number) => ({ calls, reads: 50, writes: 5, external: 0 });

/** A root lease of 60 calls, of which 54 are set aside for a child. */
function reserved() {
  const log = new SealedLog();
  const root = log.open({ budget: caps(60), delegation: { depth: 2, children: 9, classes: ['*'] } });
  delegateTestRun(log, root.grantId, { budget: { calls: 54, reads: 0, writes: 0, external: 0, reserve: true } });
  return { log, root };
}

describe('the audit of what is set aside', () => {
  it('does not blame a later child for a cap that a narrowing took below what was set aside before', () => {
    const { log, root } = reserved();
    log.do('narrow', {
      grantId: root.grantId,
      grant: { budget: { calls: 50 } },
      actor: { kind: 'service', id: 'key:responder' },
    });
    delegateTestRun(log, root.grantId, { budget: { calls: 0, reads: 3, writes: 0, external: 0, reserve: true } });
    expect(log.last('GrantIssued').data.limits.budget).toMatchObject({ calls: 0, reads: 3, reserve: true });
    expect(findings(log)).toEqual([]);
  });

  it('knows that what was set aside has returned, and that a place is free, when the work is done', () => {
    const log = new SealedLog();
    const root = log.open({ budget: caps(60), delegation: { depth: 2, children: 9, concurrent: 1, classes: ['*'] } });
    const child = { budget: { calls: 54, reads: 0, writes: 0, external: 0, reserve: true } } as const;
    const { runId } = delegateTestRun(log, root.grantId, child);
    log.do('completeRun', { runId });
    delegateTestRun(log, root.grantId, child);
    expect(findings(log)).toEqual([]);
  });

  it('finds a lease for which more is set aside than is left', () => {
    const { log, root } = reserved();
    const wider = (event: Event) =>
      event.type === 'GrantIssued' && event.grantId !== root.grantId
        ? { limits: { ...event.data.limits, budget: { ...event.data.limits.budget, reads: 50, calls: 54 } } }
        : undefined;
    delegateTestRun(log, root.grantId, { budget: { calls: 0, reads: 3, writes: 0, external: 0, reserve: true } });
    expect(findings(log, wider)).toContain(
      `budget: set aside although 108 of 60 calls are used or set aside of ${root.grantId}`,
    );
  });
});
