import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records a change of an API key. It changes nothing in the state: the gateways know the keys. */
export const recordKey: Decide<'recordKey'> = (_state, command) => {
  const { actor, keyId, change, name, role, personRef, groups, expiresAt, jkts, overlapUntil } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not change a key');
  const data = {
    keyId,
    change,
    name,
    ...(role === undefined ? {} : { role }),
    ...(personRef === undefined ? {} : { personRef }),
    ...(groups === undefined ? {} : { groups }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(jkts === undefined ? {} : { jkts }),
    ...(overlapUntil === undefined ? {} : { overlapUntil }),
  };
  return ok([{ type: 'KeyChanged', data }]);
};
