import type { StoredSelector } from '#contracts/event';
import { err, ok } from '#kernel/result';
import { chainOf, type GrantNode, type LogState } from '../state';
import { selectorFault } from '../names';
import { notFound, refuse, type Decide } from './types';
import { selects, strikes } from '../rule-set';
import { ruleOf, subjectOf } from '../rules';
import { blockedInChain } from '../liveness';

/**
 * I6: everything a selector matches, in one event. Nothing is enumerated: only what was granted since the operator's
 * preview is looked at, and refused if it would be struck unseen.
 */
export const revokeSelector: Decide<'revokeSelector'> = (state, command, now) => {
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not revoke');
  const fault = selectorFault(command.selector);
  if (fault) return err(fault);
  if (state.rules.full) return refuse('TOO_MANY', 'this log holds as many revocation rules as it may');
  if (state.rules.find(command.revocationId))
    return refuse('CONFLICT', `revocation ${command.revocationId} is known already`);
  if (command.force !== true) {
    if (!command.previewed) {
      return refuse(
        'BLAST_RADIUS_GREW',
        'no preview with this digest is known any more; look at the new one and name its digest, or force',
      );
    }
    const grown = struckSince(state, command.selector, command.previewed.asOf, now);
    if (grown.length > 0) {
      return refuse(
        'BLAST_RADIUS_GREW',
        `${grown.length} grants that this would stop were made after the preview; look again, or force`,
      );
    }
  }
  return ok([
    {
      type: 'RevocationRuleAdded',
      payload: true,
      ...(command.selector.treeId === undefined ? {} : { treeId: command.selector.treeId }),
      data: {
        revocationId: command.revocationId,
        selector: command.selector,
        quarantine: command.quarantine ?? false,
        reason: { code: 'REVOKED', says: `revoked by ${command.actor.id}` },
      },
    },
  ]);
};

export const liftQuarantine: Decide<'liftQuarantine'> = (state, command) => {
  const rule = state.rules.find(command.revocationId);
  if (!rule) return notFound('quarantine', command.revocationId);
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not lift a quarantine');
  if (!rule.quarantine)
    return refuse('CONFLICT', `revocation ${command.revocationId} holds no quarantine, or it was lifted already`);
  return ok([{ type: 'QuarantineLifted', payload: true, data: { revocationId: command.revocationId } }]);
};

/** The live grants a rule made now would strike, by themselves or through an ancestor, of those issued at or after a position. */
export function struckSince(state: LogState, selector: StoredSelector, from: number, now: number): GrantNode[] {
  const rule = ruleOf({ revocationId: '', selector, quarantine: false }, state.next, now);
  const found: GrantNode[] = [];
  for (let i = state.order.length - 1; i >= 0; i--) {
    const grant = state.order[i] as GrantNode;
    if (grant.position < from) break;
    if (grant.supersededBy !== undefined) continue;
    const chain = chainOf(state, grant.id) ?? [];
    const blocked = blockedInChain(state, chain, now);
    if (blocked && blocked.status !== 'suspended') continue;
    const struck = chain.some((each) => {
      const run = state.runs.get(each.runId);
      return run !== undefined && strikes(rule, each) && selects(selector, subjectOf(run, each));
    });
    if (struck) found.push(grant);
  }
  return found;
}
