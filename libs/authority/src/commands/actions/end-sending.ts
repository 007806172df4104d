import { carried } from '../../events/labels';
import type { LogState } from '../../state/state';
import { givenUpTogether } from './give-up';
import type { NewEvent } from '../types';

const SECRET = 'read:secret';

/**
 * Ends the permits to send that a tree gave before it read a secret, itself or by a service that it called, and whose
 * calls may not have started. They end in the append that brings the label, whether a permit, an outcome or a late report
 * carries it. Effects that they nevertheless had are recorded when they are reported (`OutcomeReportedLate`). In one
 * append there is no time at which both hold.
 */
export function endSending(state: LogState, decided: readonly NewEvent[], now: number): NewEvent[] {
  if (!decided.some((event) => carried(event).includes(SECRET))) return [];
  const gains = new Set(decided.filter((event) => carried(event).includes(SECRET)).map(({ treeId }) => treeId));
  const settled = new Set(decided.map(({ actionId }) => actionId));
  const open = [...gains].flatMap((treeId) => {
    const tree = state.trees.get(treeId ?? '');
    if (!tree || Object.hasOwn(tree.labels, SECRET)) return [];
    return tree.sending.filter((each) => now < each.expiresAt && !settled.has(each.id));
  });
  if (open.length === 0) return [];
  return givenUpTogether(state, decided, open, now);
}
