import { act, REF } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

/** Two runs of one person that draw from one budget, up to its cap. */
function shared(): SealedLog {
  const log = new SealedLog();
  log.do('setTenantBudget', {
    name: 'team',
    selector: { principalRef: REF },
    budget: { calls: 3, cost: { USD: 100 }, windows: [{ per: '1h', reads: 9 }] },
  });
  const [one, other] = [log.open(), log.open()];
  const { actionId } = act(log, one.grantId, 'file.read', { cost: { USD: 60 } });
  act(log, other.grantId, 'file.read', { cost: { USD: 40, EUR: 0 } });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 50 } } });
  act(log, other.grantId, 'file.read');
  return log;
}

const inBudget = (caps: object) => (event: Event) =>
  event.type === 'TenantBudgetSet' ? { budget: { ...event.data.budget, ...caps } } : undefined;

describe('the audit of tenant budgets', () => {
  it('finds nothing in a log that keeps them', () => {
    const log = shared();
    log.do('setTenantBudget', { name: 'team', selector: {}, budget: { calls: 4 } });
    act(log, log.open().grantId, 'file.read');
    log.do('removeTenantBudget', { name: 'team' });
    act(log, log.open().grantId, 'file.read');
    expect(findings(log)).toEqual([]);
  });

  it.each<[object, string]>([
    [{ calls: 2 }, 'budget: permitted although 3 of 2 calls are used of the tenant budget team'],
    [{ cost: { USD: 99 } }, 'budget: permitted although 100 of 99 USD are spent or held of the tenant budget team'],
    [
      { windows: [{ per: '1h', reads: 2 }] },
      'budget: permitted although 3 of 2 reads per 1h of the tenant budget team',
    ],
  ])('finds a permit beyond %j', (caps, finding) => {
    expect(findings(shared(), inBudget(caps))).toEqual([finding]);
  });

  it('finds a permit that leaves out a budget, and one that names another', () => {
    const log = shared();
    const last = log.last('ActionPermitted');
    const only = (data: object) => (event: Event) => (event.position === last.position ? data : undefined);
    expect(findings(log, only({ tenantBudgets: undefined }))).toEqual([
      'budget: the permit does not draw from the tenant budget team, which matches it',
    ]);
    expect(findings(log, only({ tenantBudgets: ['team', 'mine'] }))).toEqual([
      'budget: the permit draws from the tenant budget mine, which does not match it',
    ]);
  });
});
