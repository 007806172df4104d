import { respondersIn } from '../responders/observe';
import type { Fold } from './follows';

/** Takes what a responder did, which counts for its limits. A rehearsal has its own. */
export const responderFired: Fold<'ResponderFired'> = (state, { data, position }, at) => {
  if (state.responders.rehearsed) return;
  const compiled = respondersIn(state).find(({ name }) => name === data.responder.name);
  state.responders.fired(data, compiled, position, at);
};
