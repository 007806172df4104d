import { isEnd } from '../../dimensions/ends-on';
import type { ActionFacts } from '../../dimensions/dimension';
import { isOpen } from '../../events/endings';
import { current, type ActionNode, type GrantNode, type LogState } from '../../state/state';
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
  return completions(state, endedBy(state, action.id), before, `${action.verb} was completed (${action.id})`);
}

/** Does the same for the completion of an abandoned action that is reported late. */
export function endsWithLate(state: LogState, actionId: string): NewEvent[] {
  return completions(state, endedBy(state, actionId), [], `${actionId} was completed, as reported late`);
}

/** Returns the leases that end with an action, as they are now: each once, although one may have been raised since. */
const endedBy = (state: LogState, actionId: string): string[] => [
  ...new Set((state.ends.get(actionId) ?? []).flatMap((id) => current(state, id)?.id ?? [])),
];

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
