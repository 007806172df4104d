import type { Reason } from '@bailiwick/contracts/reason';

/**
 * A payment that a run has decided with its own token: what it costs is known to the run alone, and a lower amount would
 * be charged as willingly as the true one. So a person is asked, whatever it states; an enforcement point is believed.
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
