import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/**
 * That what stands beside the events about a person goes: a fact before it is done (I4). Nothing in the state changes,
 * since nothing folds over a payload.
 */
export const erase: Decide<'erase'> = (state, { actor, subjectRef, found, earlierReasons, payload }) => {
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not erase');
  if (earlierReasons && payload)
    return refuse('BAD_REQUEST', 'an erasure of earlier reasons has no reason of its own; send it without "reason"');
  if (!found || found.before > state.next)
    return refuse('NOT_READY', 'what there is to erase could not be counted; try again'); // I11
  if (found.payloads === 0) return refuse('NOT_FOUND', NOTHING_KEPT);
  return ok([{ type: 'PayloadsErased', payload: true, data: { subjectRef, ...found } }]);
};

const NOTHING_KEPT =
  'nothing in words is kept about this person, or only the reasons of earlier erasures: send "earlierReasons": true to erase those';
