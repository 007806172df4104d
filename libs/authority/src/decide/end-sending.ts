import type { Consumed } from '@bailiwick/contracts/grant';
import { carried } from '../evolve/labels';
import { chainOf, type ActionNode, type GrantNode, type LogState } from '../state';
import { commit, reserve } from '../usage';
import { givenUp } from './settle';
import type { NewEvent } from './types';

const SECRET = 'read:secret';

/**
 * The permits to send that a tree has given before it knows a secret, and that may not have begun, end in the append that
 * brings the label, however it comes: by a permit, by an outcome, or by one that is reported late. What they did all the
 * same is recorded when it is reported (`OutcomeReportedLate`). One append: there is no time at which both are in force.
 */
export function endSending(state: LogState, decided: readonly NewEvent[], now: number): NewEvent[] {
  const gains = decided.find((event) => carried(event).includes(SECRET));
  const tree = gains && state.trees.get(gains.treeId ?? '');
  if (!tree || Object.hasOwn(tree.labels, SECRET)) return [];
  const settled = new Set(decided.map(({ actionId }) => actionId));
  const open = tree.sending.filter((each) => now < each.expiresAt && !settled.has(each.id));
  if (open.length === 0) return [];
  const books = new Books(state, now);
  for (const event of decided) books.take(event);
  return open.flatMap((action) => {
    const ended = givenUp(books.chain(action.grantId), action, now);
    for (const event of ended) books.take(event, action);
    return ended;
  });
}

/** The grants that the ends touch, as they are after each event of the append: the cap that is reached ends once. */
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
      for (const { usage, limits } of this.chain(grantId)) reserve(usage, limits.budget, event.data.charge, this.now);
    } else if (type === 'ActionCompleted' || type === 'ActionFailed' || type === 'ActionAbandoned') {
      if (action) this.settle(action, event.data.charge);
    } else if (type === 'GrantExhausted') this.end(grantId, 'exhausted');
    else if (type === 'GrantSuspended') this.end(grantId, 'suspended');
  }

  private settle(action: ActionNode, charge: Consumed): void {
    for (const { usage, limits } of this.chain(action.grantId))
      commit(usage, limits.budget, action.charge, charge, action.permittedAt, this.now);
  }

  private end(grantId: string, status: GrantNode['status']): void {
    const [grant] = this.chain(grantId);
    if (grant) grant.status = status;
  }
}
