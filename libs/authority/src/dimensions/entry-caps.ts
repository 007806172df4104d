import type { PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { entryScopes } from '../state/scopes';
import { chargeOf } from '../state/usage';
import { askedBeyond, beyondShare } from './ask-at';
import type { ActionFacts, Situation, Verdict } from './dimension';
import { bothAsk } from './entry';
import { deniedBy } from './scope-verdict';

/**
 * Decides an action that a capped entry covers: its caps must have room, and beyond the share at which a person is asked
 * it asks one. The usage of the capped entries is the last part of that of all scopes; unknown usage is used up (I11).
 * @param verdict the answer of the entry without its caps
 */
export function withinCaps(
  verdict: Verdict,
  limit: PermissionsLimit,
  i: number,
  action: ActionFacts,
  { usage, askAt }: Situation,
): Verdict {
  const scopes = entryScopes(limit);
  const at = scopes.findIndex((each) => each.entry === i);
  const scope = scopes[at];
  if (scope === undefined) return verdict;
  const used = usage.scopes?.[usage.scopes.length - scopes.length + at];
  const charge = chargeOf(action.effects ?? action.effect, action.cost, action.units);
  const denied = deniedBy(scope, used, charge);
  if (denied || used === undefined || askAt === undefined) return denied ?? verdict;
  const beyond = beyondShare(askAt, scope.caps, used, charge, ` for ${scope.says}`);
  if (beyond.length === 0) return verdict;
  const asks = askedBeyond(askAt, beyond);
  return verdict.outcome === 'permit' ? asks : bothAsk(verdict, asks);
}
