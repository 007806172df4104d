import type { Reason } from '@bailiwick/contracts/reason';

/**
 * A payment decided with the run's own token: only the run knows the cost, and a lower amount would be charged just
 * like the true one. A person is therefore asked, whatever the run states; an enforcement point is trusted.
 */
export function unverifiedCost(labels: readonly string[], stated: 'run' | undefined): Reason | undefined {
  if (stated !== 'run' || !labels.includes('pays')) return undefined;
  return {
    rule: 'budget',
    outcome: 'step-up',
    code: 'COST_NOT_VERIFIED',
    message:
      'this spends money, and no enforcement point has stated how much; a person decides, or have the call decided by an enforcement point',
    path: 'budget.cost',
  };
}
