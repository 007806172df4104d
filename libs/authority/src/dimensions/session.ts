import { sessionLimit, type SessionLimit } from '@bailiwick/contracts/grants/grant';
import type { Dimension } from './dimension';
import { deny, PERMIT, Wider } from './verdict';

/**
 * The key that a run proves it holds (RFC 7800 `cnf.jkt`). A key belongs to one run: each child has a separate key, and
 * only the acting run can prove anything, so the key of an ancestor is not checked again. For this dimension I1
 * therefore means: a child of a key-bound parent is key-bound too, and its ancestors admit whatever it admits with the
 * proof of its run.
 */
export const session: Dimension<SessionLimit> = {
  name: 'session',
  schema: sessionLimit,
  unlimited: {},
  /** Both are limits of one run; if they name two keys, the first one wins, since no request proves both. */
  meet: (a, b) => {
    const jkt = a.jkt ?? b.jkt;
    return jkt === undefined ? {} : { jkt };
  },
  attenuates(child, parent) {
    const wider = new Wider('session');
    wider.unless(
      parent.jkt === undefined || child.jkt !== undefined,
      'session.jkt',
      child.jkt ?? null,
      parent.jkt,
      'would not be bound to a key, and its parent is; name the thumbprint of the child’s own key in session.jkt',
    );
    return wider.result();
  },
  admits(limit, action, situation) {
    if (limit.jkt === undefined || !situation.leaf || action.proof.vouched) return PERMIT;
    if (action.proof.jkt === undefined) {
      return deny(
        'SESSION_PROOF_MISSING',
        'this lease is bound to a key; the request must prove it holds that key (DPoP)',
        {
          path: 'session.jkt',
        },
      );
    }
    if (action.proof.jkt === limit.jkt) return PERMIT;
    return deny('SESSION_KEY_MISMATCH', 'the request proved another key than the one this lease is bound to', {
      path: 'session.jkt',
      limit: limit.jkt,
      actual: action.proof.jkt,
    });
  },
  describe: (limit) => (limit.jkt === undefined ? 'not bound to a key' : `bound to the key ${limit.jkt}`),
};
