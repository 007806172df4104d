import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { chainOf, type ActionNode, type GrantNode, type LogState } from '../../state/state';
import { applySlacks, giveBack, slacksOf } from '../../state/reserves';
import { commitInScopes, reserveInScopes } from '../../state/scopes';
import { commit, reserve } from '../../state/usage';
import { givenUp } from './settle-action';
import type { NewEvent } from '../types';

/**
 * Abandons several open permits in one append, with the grants that each of them ends.
 * @param decided the events that precede them in the same append
 */
export function givenUpTogether(
  state: LogState,
  decided: readonly NewEvent[],
  open: readonly ActionNode[],
  now: number,
): NewEvent[] {
  const books = new Books(state, now);
  for (const event of decided) books.take(event);
  return open.flatMap((action) => {
    const ended = givenUp(books.chain(action.grantId), action, now);
    for (const event of ended) books.take(event, action);
    return ended;
  });
}

/** Tracks the affected grants after each event of the append, so that a grant whose cap is reached ends once. */
class Books {
  private readonly copies = new Map<string, GrantNode>();

  constructor(
    private readonly state: LogState,
    private readonly now: number,
  ) {}

  chain(grantId: string): GrantNode[] {
    return (chainOf(this.state, grantId) ?? []).map((grant) => {
      const copy = this.copies.get(grant.id) ?? { ...grant, usage: structuredClone(grant.usage) };
      this.copies.set(grant.id, copy);
      return copy;
    });
  }

  take(event: NewEvent, action = this.state.actions.get(event.actionId ?? '')): void {
    const { type, grantId = '' } = event;
    if (type === 'ActionPermitted') {
      const chain = this.chain(grantId);
      const slacks = slacksOf(chain);
      for (const { usage, limits } of chain)
        reserve(usage, limits.budget, event.data.charge, this.now, event.data.periods);
      if (slacks) applySlacks(chain, slacks);
      reserveInScopes(chain, event.data, event.data.charge, this.now);
    } else if (type === 'ActionCompleted' || type === 'ActionFailed' || type === 'ActionAbandoned') {
      if (action) this.settle(action, event.data.charge);
    } else if (type === 'RunCompleted') this.end(grantId, 'completed');
    else if (type === 'GrantExhausted') this.end(grantId, 'exhausted');
    else if (type === 'GrantSuspended') this.end(grantId, 'suspended');
  }

  private settle(action: ActionNode, charge: Consumed): void {
    const chain = this.chain(action.grantId);
    const slacks = slacksOf(chain);
    for (const { usage, limits } of chain)
      commit(usage, limits.budget, action.charge, charge, action.permittedAt, this.now, action.position);
    if (slacks) applySlacks(chain, slacks);
    commitInScopes(chain, action.covered, action.charge, charge);
  }

  private end(grantId: string, status: GrantNode['status']): void {
    const chain = this.chain(grantId);
    const [grant] = chain;
    if (grant) grant.status = status;
    if (status === 'exhausted') giveBack(chain);
  }
}
