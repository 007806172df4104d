import { act } from '@bailiwick/authority/testing/harness';
import { renderReceipt } from './render';
import { claimsOf, SealedLog, signed, statementOf, VKEY } from './testing/sealed-log';
import { verifyReceipt } from './verify';

function drawn() {
  const log = new SealedLog();
  const { runId, grantId } = log.open();
  act(log, grantId, 'file.read');
  log.do('setTenantBudget', { name: 'team', selector: {}, budget: { calls: 9 } });
  log.do('setTenantBudget', { name: 'mail', selector: { label: 'news' }, budget: { cost: { USD: 900 } } });
  const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 30 }, labels: ['news'] });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 20 } } });
  act(log, grantId, 'file.write', { cost: { USD: 5 } });
  return { log, runId, other: log.open().runId };
}

describe('the receipt of a run that drew from tenant budgets', () => {
  const { log, runId, other } = drawn();

  it('states how much it drew from each, and verifies', () => {
    expect(claimsOf(log, runId).tenantBudgets).toEqual([
      { name: 'mail', drew: { calls: 1, reads: 1, writes: 0, external: 0, cost: { USD: 20 } } },
      { name: 'team', drew: { calls: 2, reads: 1, writes: 1, external: 0, cost: { USD: 25 } } },
    ]);
    expect(verifyReceipt(signed(statementOf(log, runId)), VKEY)).toMatchObject({ ok: true });
    expect(renderReceipt(claimsOf(log, runId)).join('\n')).toContain('tenant budget team: 2 calls, 1 read, 1 write');
  });

  it('does not verify with another amount', () => {
    const statement = statementOf(log, runId);
    const [first] = statement.predicate.tenantBudgets ?? [];
    Object.assign(first ?? {}, { drew: { calls: 0, reads: 0, writes: 0, external: 0, cost: {} } });
    expect(verifyReceipt(signed(statement), VKEY)).toMatchObject({ ok: false });
  });

  it('leaves the member out if it drew from none', () => {
    expect(claimsOf(log, other)).not.toHaveProperty('tenantBudgets');
  });
});
