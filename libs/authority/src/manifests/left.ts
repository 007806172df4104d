import type { BudgetLimit, Consumed } from '@bailiwick/contracts/grants/grant';
import type { Rules } from '../commands/types';
import type { Account } from '../state/reserves';
import type { Purse } from '../state/purses';
import type { GrantNode, LogState } from '../state/state';
import { agentsInForce, classOf } from './in-force';
import { usageUnder } from './verdicts';

/**
 * Returns the budgets of the manifests in force for the leases of a chain, each with what its lease has used, so that what
 * is left can be compared with them.
 * @param accounts the usage of each lease of the chain, as its leaf sees it
 * @param left what is left of the leases: of the amounts in it, a manifest that names amounts and not these allows none
 */
export function manifestPurses(
  state: LogState,
  chain: readonly GrantNode[],
  accounts: readonly Pick<Account, 'usage'>[],
  left: Consumed,
  rules: Pick<Rules, 'agents'>,
): readonly Purse[] {
  const agents = agentsInForce(state, rules);
  if (agents === undefined) return NONE;
  return chain.flatMap((grant, i): Purse[] => {
    const manifest = agents.of(classOf(state, grant.runId));
    const most = manifest?.most;
    if (!most?.names.includes('budget') || state.approvedBeyond.get(grant.id) === manifest?.digest) return [];
    const { usage } = accounts[i] ?? grant;
    const added = state.narrowed.get(grant.id)?.added;
    const { cost, units, ...counts } = most.limits.budget;
    const budget: BudgetLimit = {
      ...counts,
      cost: most.cost ? { ...noneOf(left.cost), ...cost } : {},
      ...(most.units ? { units: { ...noneOf(left.units), ...units } } : {}),
    };
    return [{ usage: usageUnder(most, { limits: grant.limits, usage, added }), budget }];
  });
}

const NONE: readonly Purse[] = [];

const noneOf = (amounts: Readonly<Record<string, number>> = {}): Record<string, number> =>
  Object.fromEntries(Object.keys(amounts).map((name) => [name, 0]));
