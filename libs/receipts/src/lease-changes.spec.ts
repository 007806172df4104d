import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Statement } from '@bailiwick/contracts/receipts/receipt';
import { documentOf } from './human/document';
import { ANN, brokenAt, claimsOf, receiptOf, SealedLog, VKEY, words } from './testing/sealed-log';
import { verifyReceipt } from './verify';

const MINUTE = 60_000;
const RENEWABLE = { ...ROOMY, time: { ttl: '30m', renewUntil: '2h' } };

/** A child that acts after the end that its lease and its parent's were issued with. */
function renewed(): {
  log: SealedLog;
  root: { grantId: string; runId: string };
  child: { grantId: string; runId: string };
} {
  const log = new SealedLog();
  const root = log.open(RENEWABLE);
  const child = log.child(root.grantId, { time: { ttl: '30m', renewUntil: '2h' } });
  log.now += 20 * MINUTE;
  for (const { grantId } of [root, child]) log.do('renew', { grantId });
  log.now += 20 * MINUTE;
  const { actionId } = act(log, child.grantId, 'file.read');
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
  return { log, root, child };
}

describe('renewals and narrowings in a receipt', () => {
  it('are listed for the run and those above it, and extend the time in which permits are judged', () => {
    const { log, root, child } = renewed();
    log.do('narrow', {
      grantId: root.grantId,
      grant: { budget: { calls: 9 } },
      actor: ANN,
      payload: words({ reason: 'x' }),
    });
    expect(claimsOf(log, child.runId)).toMatchObject({
      renewals: [
        { grantId: root.grantId, times: 1, until: '2026-01-01T00:50:00.000Z' },
        { grantId: child.grantId, times: 1 },
      ],
      narrowings: [{ grantId: root.grantId, by: 'person:ann', limits: { budget: { calls: 9 } } }],
    });
  });

  it('are left out of a receipt without any', () => {
    const log = new SealedLog();
    const { runId } = log.open();
    expect(claimsOf(log, runId)).not.toHaveProperty('renewals');
    expect(claimsOf(log, runId)).not.toHaveProperty('narrowings');
  });

  it('are shown to people with their lease', () => {
    const { log, root } = renewed();
    log.do('narrow', { grantId: root.grantId, grant: { budget: { calls: 9 } }, actor: ANN });
    const { statement } = verifyReceipt(receiptOf(log, root.runId), VKEY);
    const shown = JSON.stringify(documentOf(statement as Statement));
    expect(shown).toContain('renewed once, last until 2026-01-01T00:50:00.000Z');
    expect(shown).toContain('narrowed by person:ann');
  });

  it.each<[string, (event: { until: string }) => void]>([
    ['beyond its last end', (data) => (data.until = '2026-01-02T00:00:00.000Z')],
    ['of less time than the permit needed', (data) => (data.until = '2026-01-01T00:31:00.000Z')],
  ])('do not cover a permit by a forged renewal %s', (_, forge) => {
    const { log, child } = renewed();
    for (const event of log.events)
      if (event.type === 'GrantRenewed' && event.grantId === child.grantId) forge(event.data);
    expect(brokenAt(verifyReceipt(receiptOf(log, child.runId), VKEY))).toContain('outside the time of grant');
  });

  it('do not cover a permit without the renewal', () => {
    const { log, child } = renewed();
    const i = log.events.findIndex(({ type, grantId }) => type === 'GrantRenewed' && grantId === child.grantId);
    const { grantId: _, ...other } = log.events[i] as { grantId: string };
    log.events[i] = {
      ...other,
      type: 'RefusalsSummarized',
      data: { since: '2026-01-01T00:00:00.000Z', total: 0, refused: [] },
    } as never;
    expect(brokenAt(verifyReceipt(receiptOf(log, child.runId), VKEY))).toContain('outside the time of grant');
  });
});
