import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records a security event of a configured transmitter that stopped nothing. It changes nothing in the state. */
export const recordSignal: Decide<'recordSignal'> = (_state, { actor, transmitter, set, types, outcome }) => {
  if (actor.kind !== 'service') return refuse('FORBIDDEN', 'only the gateway records the signals that it received');
  return ok([{ type: 'SignalReceived', data: { transmitter, set, types, outcome } }]);
};
