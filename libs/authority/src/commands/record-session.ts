import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records a sign-in or its end. It changes nothing in the state: the gateways know the sessions. */
export const recordSession: Decide<'recordSession'> = (_state, command) => {
  const { actor, change, with: means, personRef, sessions } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not sign in');
  const data = {
    change,
    ...(means === undefined ? {} : { with: means }),
    ...(personRef === undefined ? {} : { personRef }),
    ...(sessions === undefined ? {} : { sessions }),
  };
  return ok([{ type: 'SessionChanged', data }]);
};
