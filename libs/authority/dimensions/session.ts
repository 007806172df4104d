import { sessionLimit, type SessionLimit } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { deny, PERMIT, Wider } from './verdict';

/**
 * The key a run proves it holds. A key belongs to one run: a child has its own, and an ancestor's is not asked for
 * again. So I1 reads here: a child of a key-bound parent is key-bound too.
 */
export const session: Dimension<SessionLimit> = {
  name: 'session',
  schema: sessionLimit,
  unlimited: {},
  meet: (a, b) => ({ ...b, ...a }),
  attenuates(child, parent) {
    const wider = new Wider('session');
    wider.unless(parent.jkt === undefined || child.jkt !== undefined, 'session.jkt', child.jkt ?? null, parent.jkt, 'its parent is bound to a key, so it must be bound to one too');
    return wider.result();
  },
  admits(limit, action, situation) {
    if (limit.jkt === undefined || !situation.leaf || action.proof.vouched) return PERMIT;
    if (action.proof.jkt === undefined) return deny('SESSION_PROOF_MISSING', 'this lease is bound to a key; the request must prove it holds that key (DPoP)', { path: 'session.jkt' });
    if (action.proof.jkt !== limit.jkt) return deny('SESSION_KEY_MISMATCH', 'the request proved another key than the one this lease is bound to', { path: 'session.jkt', limit: limit.jkt, actual: action.proof.jkt });
    return PERMIT;
  },
  describe: (limit) => (limit.jkt === undefined ? 'not bound to a key' : `bound to the key ${limit.jkt}`),
};
