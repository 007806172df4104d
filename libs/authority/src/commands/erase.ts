import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/**
 * Records the erasure of the payloads of a person's events, before it is done (I4). The state does not change, since no
 * fold reads a payload.
 */
export const erase: Decide<'erase'> = (state, { actor, subjectRef, found, earlierReasons, payload }) => {
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not erase');
  if (earlierReasons && payload)
    return refuse('BAD_REQUEST', 'an erasure of earlier reasons takes no reason; send it without "reason"');
  if (!found || found.before > state.next)
    return refuse('NOT_READY', 'the payloads to erase could not be counted; try again'); // I11
  if (found.payloads === 0 && !found.name) return refuse('NOT_FOUND', NOTHING_KEPT);
  return ok([{ type: 'PayloadsErased', payload: true, data: { subjectRef, ...found } }]);
};

const NOTHING_KEPT =
  'no text about this person is stored, or only the reasons of earlier erasures; send "earlierReasons": true to erase those';
