import { isEnd, mayBeEnd } from '../../dimensions/ends-on';
import type { ActionFacts } from '../../dimensions/dimension';
import { isOpen } from '../../events/endings';
import { chainOf, current, type ActionNode, type GrantNode, type LogState } from '../../state/state';
import type { NewEvent } from '../types';

/** Returns the leases of a chain that end if a call is recorded as completed (`time.endsOn`); undefined if none does. */
export function endedByCompletion(chain: readonly GrantNode[], facts: ActionFacts): string[] | undefined {
  let found: string[] | undefined;
  for (const { id, limits } of chain) {
    const { endsOn } = limits.time;
    if (endsOn !== undefined && isEnd(endsOn, facts)) (found ??= []).push(id);
  }
  return found;
}

/**
 * Returns the ends of the leases that end with a completed action. They follow its outcome in the same append, as those
 * of a used-up budget do; permits without an outcome below them are settled as after any other end.
 * @param before the events that precede them: a lease that they end has ended already
 */
export function endsWith(state: LogState, action: ActionNode, before: readonly NewEvent[]): NewEvent[] {
  const recorded = state.ends.get(action.id);
  if (recorded === undefined && state.narrowed.size === 0) return [];
  const ids = new Set((recorded ?? []).flatMap((id) => current(state, id)?.id ?? []));
  // an end that a narrowing added after the permit: only the verb of the call is still known, and in doubt it is the end
  for (const { id, limits } of chainOf(state, action.grantId) ?? []) {
    const isLater = (state.narrowed.get(id)?.position ?? -1) > action.position;
    if (isLater && mayBeEnd(limits.time.endsOn ?? [], action.verb)) ids.add(id);
  }
  return completions(state, [...ids], before, `${action.verb} was completed (${action.id})`);
}

/** Does the same for the completion of an abandoned action that is reported late. */
export function endsWithLate(state: LogState, actionId: string): NewEvent[] {
  const ids = (state.ends.get(actionId) ?? []).flatMap((id) => current(state, id)?.id ?? []);
  return completions(state, ids, [], `${actionId} was completed, as reported late`);
}

function completions(state: LogState, ids: readonly string[], before: readonly NewEvent[], what: string): NewEvent[] {
  const ended = new Set(before.flatMap(({ type, grantId }) => (type === 'GrantExhausted' ? [grantId] : [])));
  return ids.flatMap((id): NewEvent[] => {
    const grant = state.grants.get(id);
    if (!grant || !isOpen(grant.status) || ended.has(id)) return [];
    const { treeId, runId } = grant;
    const reason = { code: 'ENDS_ON', says: `${what}, which ends this lease` };
    return [{ type: 'RunCompleted', treeId, runId, grantId: id, data: { reason } }];
  });
}
