import type { BudgetLimit, GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { openTestRun, ROOMY, TestLog } from '../../testing/harness';
import { widened } from './escalation';
import { tenantDefaults } from './resolve';

type BudgetRequest = NonNullable<GrantRequest['budget']>;
const NOW = Date.UTC(2026, 0, 1);

/** Raises a lease with some caps. @returns the budget of the raised lease */
function raised(held: BudgetRequest, want: BudgetRequest): BudgetLimit {
  const log = new TestLog();
  const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, ...held } });
  const old = log.state.grants.get(grantId)?.limits as Limits;
  const result = widened(old, { budget: want }, tenantDefaults(NOW), NOW);
  if (!result.ok) throw new Error(result.error.detail);
  return result.value.budget;
}

describe('an escalation keeps the caps that it does not name', () => {
  it('of a window', () => {
    const { windows } = raised(
      { windows: [{ per: '1h', calls: 3, cost: { USD: 100, EUR: 50 } }] },
      { windows: [{ per: '60m', calls: 9, cost: { EUR: 60 } }] },
    );
    expect(windows).toEqual([{ per: '60m', calls: 9, cost: { USD: 100, EUR: 60 } }]);
  });

  it('of some verbs', () => {
    const { perVerb } = raised(
      { perVerb: [{ actions: ['order.pay'], calls: 3, cost: { USD: 100 }, units: { tokens: 5 } }] },
      { perVerb: [{ actions: ['Order.Pay'], calls: 9, units: { tokens: 7 } }] },
    );
    expect(perVerb).toEqual([{ actions: ['order.pay'], calls: 9, cost: { USD: 100 }, units: { tokens: 7 } }]);
  });

  it('of one action', () => {
    const { perAction } = raised(
      { perAction: { cost: { USD: 50, EUR: 40 }, units: { tokens: 5 } } },
      { perAction: { cost: { USD: 60 } } },
    );
    expect(perAction).toEqual({ cost: { USD: 60, EUR: 40 }, units: { tokens: 5 } });
  });
});
