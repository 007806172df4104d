import { carried } from '../../events/labels';
import type { LogState } from '../../state/state';
import { givenUpTogether } from './give-up';
import type { NewEvent } from '../types';

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
  return givenUpTogether(state, decided, open, now);
}
